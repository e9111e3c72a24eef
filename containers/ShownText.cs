using System.Globalization;
using System.Text;

namespace Watari.Containers;

/// <summary>
/// The one place where what a guest has named becomes text for people. Everything before it keeps names as they are, for they are looked up
/// by them; here what could move a cursor, ring, hide or reorder text is written as an escape, <c>\x1b</c> or <c>\u202e</c>.
/// </summary>
public static class ShownText
{
    /// <summary>The text on one line, harmless to a terminal. A backslash is doubled, so that no two names look the same.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.AsSpan().IndexOfAnyExceptInRange(' ', '~') < 0 && !text.Contains('\\', StringComparison.Ordinal)) return text;
        var shown = new StringBuilder(text.Length + 8);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value == '\\') shown.Append(@"\\");
            else if (!IsHarmful(rune)) shown.Append(rune.ToString());
            else if (rune.Value < 0x100) shown.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
            else if (rune.Value < 0x10000) shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
            else shown.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
        }

        return shown.ToString();
    }

    private static bool IsHarmful(Rune rune) => Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate;
}
