using System.Buffers;
using System.Globalization;
using System.Text;

namespace Watari.Client.Output;

/// <summary>Bytes that come out of a guest, where a person may see them.</summary>
internal static class GuestBytes
{
    /// <summary>On one line, harmless to a terminal: what is no text, controls it or turns the direction of writing, and the backslash are written as <c>\x1b</c>, a byte each.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        Write(bytes, static rune => rune.Value != '\\' && IsHarmless(rune), text);
        return text.ToString();
    }

    /// <summary>Where it is redirected, it is left alone: it gets what the guest has, byte by byte.</summary>
    public static Stream To(Stream output, bool isRedirected) => isRedirected ? output : new HarmlessStream(output);

    private static void Write(ReadOnlySpan<byte> bytes, Func<Rune, bool> isPlain, StringBuilder text)
    {
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done && isPlain(rune))
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (byte value in bytes[..length]) text.Append(CultureInfo.InvariantCulture, $"\\x{value:x2}");
            }

            bytes = bytes[length..];
        }
    }

    private static bool IsHarmless(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    /// <summary>Lines stay lines, and tabs tabs; all else that is not harmless is escaped.</summary>
    internal sealed class HarmlessStream(Stream output) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var text = new StringBuilder(buffer.Length);
            GuestBytes.Write(buffer, static rune => rune.Value is '\n' or '\t' || IsHarmless(rune), text);
            output.Write(Encoding.UTF8.GetBytes(text.ToString()));
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush() => output.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) output.Dispose();
            base.Dispose(disposing);
        }
    }
}
