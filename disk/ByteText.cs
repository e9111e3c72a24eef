using System.Buffers;
using System.Globalization;
using System.Text;

namespace Watari.Disk;

/// <summary>Bytes that need not be text, as text that a terminal may be given.</summary>
internal static class ByteText
{
    /// <summary>As UTF-8; what is not, what controls a terminal or turns the direction of writing, and the backslash are written as <c>\x1b</c>, a byte each.</summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done && IsPlain(rune))
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (byte value in bytes[..length]) text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            }

            bytes = bytes[length..];
        }

        return text.ToString();
    }

    private static bool IsPlain(Rune rune) => rune.Value != '\\' && Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
