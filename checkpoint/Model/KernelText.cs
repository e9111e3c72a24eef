using System.Text;

namespace Watari.Checkpoint.Model;

/// <summary>
/// Names in the kernel are bytes, in the model strings: UTF-8, and each byte that is not part of it as U+DC00 + byte,
/// so that any name comes back as it was.
/// </summary>
public static class KernelText
{
    private const char EscapeBase = '\uDC00';
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The string of these bytes; never fails.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        StringBuilder? text = null;
        while (!bytes.IsEmpty)
        {
            int valid = System.Text.Unicode.Utf8.IsValid(bytes) ? bytes.Length : ValidPrefix(bytes);
            string part = Strict.GetString(bytes[..valid]);
            if (valid == bytes.Length && text is null)
                return part;
            text ??= new StringBuilder();
            text.Append(part);
            bytes = bytes[valid..];
            if (!bytes.IsEmpty)
            {
                text.Append((char)(EscapeBase + bytes[0]));
                bytes = bytes[1..];
            }
        }
        return text?.ToString() ?? "";
    }

    /// <summary>The bytes of a string that <see cref="Decode"/> made, or of any other.</summary>
    public static byte[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (!text.AsSpan().ContainsAnyInRange('\uDC80', '\uDCFF'))
            return Encoding.UTF8.GetBytes(text);

        using var bytes = new MemoryStream();
        Span<byte> rune = stackalloc byte[4];
        for (int i = 0; i < text.Length;)
        {
            if (Rune.TryGetRuneAt(text, i, out Rune value))
            {
                bytes.Write(rune[..value.EncodeToUtf8(rune)]);
                i += value.Utf16SequenceLength;
            }
            else
            {
                bytes.WriteByte((byte)(text[i] - EscapeBase));
                i++;
            }
        }
        return bytes.ToArray();
    }

    private static int ValidPrefix(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int used) == System.Buffers.OperationStatus.Done)
            at += used;
        return at;
    }
}
