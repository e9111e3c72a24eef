using System.Globalization;
using System.Text;

namespace Watari.Containers.Listing;

/// <summary>Text and times as Go's own functions write them.</summary>
internal static class GoText
{
    /// <summary>strconv.Quote.</summary>
    internal static string Quote(string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append(@"\\"),
                '\a' => quoted.Append(@"\a"),
                '\b' => quoted.Append(@"\b"),
                '\f' => quoted.Append(@"\f"),
                '\n' => quoted.Append(@"\n"),
                '\r' => quoted.Append(@"\r"),
                '\t' => quoted.Append(@"\t"),
                '\v' => quoted.Append(@"\v"),
                _ when IsPrint(rune) => quoted.Append(rune.ToString()),
                < ' ' or 0x7f => quoted.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}"),
                < 0x10000 => quoted.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}"),
                _ => quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}"),
            };
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>time.Time.String of whole seconds, in UTC: of a moment, <c>2024-11-30 07:18:21 +0000 UTC</c>.</summary>
    internal static string Time(DateTimeOffset? time) => (time ?? default).UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss '+0000 UTC'", CultureInfo.InvariantCulture);

    /// <summary>time.Time.Unix; of a time that never was that of the year 1.</summary>
    internal static long Unix(DateTimeOffset? time) => (time ?? DateTimeOffset.MinValue).ToUnixTimeSeconds();

    /// <summary>unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the plain space.</summary>
    private static bool IsPrint(Rune rune) => rune.Value == ' ' || (Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator));
}
