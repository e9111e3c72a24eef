using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs;

/// <summary>What was found at a place of a log.</summary>
internal enum LogParse
{
    Entry,

    /// <summary>What is there is no entry; what follows may be.</summary>
    Damaged,

    /// <summary>Its end has not been written yet, or was not given.</summary>
    Incomplete,
}

/// <summary>How an engine writes a log: one entry behind the other.</summary>
internal abstract class LogFormat
{
    /// <summary>Docker's json-file, podman's, too: <c>{"log":"text\n","stream":"stdout","time":"2026-01-02T03:04:05.678901234Z"}</c>, a line each.</summary>
    internal static LogFormat JsonFile { get; } = new JsonLines();

    /// <summary>Podman's k8s-file, and CRI's: <c>2026-01-02T03:04:05.678901234+00:00 stdout F text</c>, a line each; P where what was written goes on in the next, which podman puts together.</summary>
    internal static LogFormat K8sFile { get; } = new K8sLines();

    /// <summary>Docker's local: an entry's length, the entry (protobuf, moby api/types/plugins/logdriver/entry.proto), its length again.</summary>
    internal static LogFormat Local { get; } = new LocalRecords();

    /// <summary>So many bytes of a line tell what it is.</summary>
    internal const int HeadBytes = 64;

    /// <summary>Whether entries end at line feeds, and a log can be read from its end on.</summary>
    internal abstract bool IsLines { get; }

    /// <summary>Of a format of lines: whether a line may be a piece of an entry, of which <see cref="Ends"/> tells.</summary>
    internal virtual bool HasPieces => false;

    /// <summary>Of a format of lines: whether an entry ends with a line.</summary>
    /// <param name="line">Its first bytes, <see cref="HeadBytes"/> or all.</param>
    internal virtual bool Ends(ReadOnlySpan<byte> line) => true;

    /// <param name="isEnd">Nothing comes after the bytes yet: pieces of an entry that has no end are told.</param>
    /// <param name="length">Of the entry, with all around it; of what is damaged, too.</param>
    internal abstract LogParse Parse(ReadOnlySpan<byte> bytes, bool isEnd, out int length, out LogEntry entry);

    /// <summary>RFC 3339 with up to nine digits of a second, which DateTimeOffset does not keep.</summary>
    internal static bool TryParseTime(ReadOnlySpan<byte> text, out FileTime time)
    {
        const int Shortest = 20, Longest = 40;
        time = default;
        if (text.Length is < Shortest or > Longest || !Ascii.IsValid(text)) return false;
        int dot = text.IndexOf((byte)'.');
        uint nanoseconds = 0;
        Span<byte> whole = stackalloc byte[Longest];
        whole = whole[..text.Length];
        if (dot >= 0)
        {
            int digits = text[(dot + 1)..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            if (digits is < 1 or > 9 || !Utf8Parser.TryParse(text.Slice(dot + 1, digits), out nanoseconds, out _)) return false;
            for (int i = digits; i < 9; i++) nanoseconds *= 10;
            text[..dot].CopyTo(whole);
            text[(dot + 1 + digits)..].CopyTo(whole[dot..]);
            whole = whole[..(text.Length - digits - 1)];
        }
        else
        {
            text.CopyTo(whole);
        }

        Span<char> characters = stackalloc char[Longest];
        characters = characters[..whole.Length];
        Encoding.ASCII.GetChars(whole, characters);
        if (!DateTimeOffset.TryParseExact(characters, "yyyy-MM-ddTHH:mm:ssK", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment)) return false;
        time = new FileTime(moment.ToUnixTimeSeconds(), nanoseconds);
        return true;
    }

    private abstract class Lines : LogFormat
    {
        internal override bool IsLines => true;

        internal override LogParse Parse(ReadOnlySpan<byte> bytes, bool isEnd, out int length, out LogEntry entry)
        {
            entry = default;
            length = bytes.IndexOf((byte)'\n') + 1;
            if (length == 0) return LogParse.Incomplete;
            return TryParse(bytes[..(length - 1)], out entry) ? LogParse.Entry : LogParse.Damaged;
        }

        private protected abstract bool TryParse(ReadOnlySpan<byte> line, out LogEntry entry);
    }

    private sealed class JsonLines : Lines
    {
        private protected override bool TryParse(ReadOnlySpan<byte> line, out LogEntry entry)
        {
            entry = default;
            byte[] text = [];
            bool isError = false, hasTime = false;
            FileTime time = default;
            try
            {
                var json = new Utf8JsonReader(line);
                if (!json.Read() || json.TokenType != JsonTokenType.StartObject) return false;
                while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
                {
                    bool isLog = json.ValueTextEquals("log"u8), isStream = json.ValueTextEquals("stream"u8), isTime = json.ValueTextEquals("time"u8);
                    if (!json.Read()) return false;
                    if (json.TokenType != JsonTokenType.String) json.Skip();
                    else if (isLog) text = Unescaped(json);
                    else if (isStream) isError = json.ValueTextEquals("stderr"u8);
                    else if (isTime) hasTime = TryParseTime(json.ValueSpan, out time);
                }
            }
            // Text that is no text is the second.
            catch (Exception e) when (e is JsonException or InvalidOperationException)
            {
                return false;
            }

            entry = new LogEntry(time, isError, text);
            return hasTime;
        }

        private static byte[] Unescaped(Utf8JsonReader json)
        {
            byte[] text = new byte[json.ValueSpan.Length];
            return text[..json.CopyString(text)];
        }
    }

    private sealed class K8sLines : Lines
    {
        private const int MostPieces = LogFiles.MaxEntry / 2; // bytes that are put together

        internal override bool HasPieces => true;

        internal override bool Ends(ReadOnlySpan<byte> line) => !TryTag(ref line, out _, out _, out bool isPartial) || !isPartial;

        internal override LogParse Parse(ReadOnlySpan<byte> bytes, bool isEnd, out int length, out LogEntry entry)
        {
            LogParse parse = base.Parse(bytes, isEnd, out length, out entry);
            if (parse != LogParse.Entry || entry.EndsLine) return parse;
            var text = new List<byte>(entry.Text.ToArray());
            LogEntry last = entry;
            while (length < MostPieces)
            {
                parse = base.Parse(bytes[length..], isEnd, out int more, out LogEntry next);
                if (parse == LogParse.Incomplete && !isEnd) return parse;
                // Of the other stream, or none: what was before it ends here.
                if (parse != LogParse.Entry || next.IsError != entry.IsError) break;
                length += more;
                text.AddRange(next.Text.Span);
                last = next;
                if (last.EndsLine) break;
            }

            entry = last with { Text = text.ToArray() };
            return LogParse.Entry;
        }

        private protected override bool TryParse(ReadOnlySpan<byte> line, out LogEntry entry)
        {
            entry = default;
            if (!TryTag(ref line, out FileTime time, out bool isError, out bool isPartial)) return false;
            entry = new LogEntry(time, isError, isPartial ? line.ToArray() : (byte[])[.. line, (byte)'\n']);
            return true;
        }

        /// <summary>What stands before the text.</summary>
        private static bool TryTag(ref ReadOnlySpan<byte> line, out FileTime time, out bool isError, out bool isPartial)
        {
            (time, isError, isPartial) = (default, false, false);
            if (!TryWord(ref line, out ReadOnlySpan<byte> moment) || !TryParseTime(moment, out time)) return false;
            if (!TryWord(ref line, out ReadOnlySpan<byte> stream) || !TryWord(ref line, out ReadOnlySpan<byte> tag)) return false;
            isError = stream.SequenceEqual("stderr"u8);
            // Tags are parted by colons; the first tells whether it goes on.
            isPartial = tag[0] == 'P';
            return isError || stream.SequenceEqual("stdout"u8);
        }

        private static bool TryWord(ref ReadOnlySpan<byte> line, out ReadOnlySpan<byte> word)
        {
            int space = line.IndexOf((byte)' ');
            word = space < 0 ? default : line[..space];
            if (space >= 0) line = line[(space + 1)..];
            return space > 0;
        }
    }

    private sealed class LocalRecords : LogFormat
    {
        private const int LengthSize = 4;

        internal override bool IsLines => false;

        internal override LogParse Parse(ReadOnlySpan<byte> bytes, bool isEnd, out int length, out LogEntry entry)
        {
            entry = default;
            length = 0;
            if (bytes.Length < LengthSize) return LogParse.Incomplete;
            uint size = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            if (size > LogFiles.MaxEntry - 2 * LengthSize)
            {
                // Where the next one begins is not known any more.
                length = bytes.Length;
                return LogParse.Damaged;
            }

            if (bytes.Length < size + 2 * LengthSize) return LogParse.Incomplete;
            length = (int)size + 2 * LengthSize;
            return TryParse(bytes.Slice(LengthSize, (int)size).ToArray(), out entry) ? LogParse.Entry : LogParse.Damaged;
        }

        private static bool TryParse(byte[] bytes, out LogEntry entry)
        {
            const uint Source = 1, TimeNano = 2, Line = 3, Partial = 4, PartialMetadata = 5, Last = 1;
            const long NanosecondsOfSecond = 1_000_000_000;
            entry = default;
            bool isError = false, isPartial = false, isLast = false;
            long nanoseconds = 0;
            ByteString line = ByteString.Empty;
            try
            {
                var input = new CodedInputStream(bytes);
                while (input.ReadTag() is not 0 and var tag)
                {
                    switch (WireFormat.GetTagFieldNumber(tag))
                    {
                        case (int)Source: isError = input.ReadString() == "stderr"; break;
                        case (int)TimeNano: nanoseconds = input.ReadInt64(); break;
                        case (int)Line: line = input.ReadBytes(); break;
                        case (int)Partial: isPartial = input.ReadBool(); break;
                        case (int)PartialMetadata: isLast = IsLast(input.ReadBytes()); break;
                        default: input.SkipLastField(); break;
                    }
                }
            }
            catch (InvalidProtocolBufferException)
            {
                return false;
            }

            bool endsLine = !isPartial || isLast;
            (long seconds, long rest) = Math.DivRem(nanoseconds, NanosecondsOfSecond);
            entry = new LogEntry(rest < 0 ? new FileTime(seconds - 1, (uint)(rest + NanosecondsOfSecond)) : new FileTime(seconds, (uint)rest), isError, endsLine ? (byte[])[.. line.Span, (byte)'\n'] : line.Memory);
            return true;

            static bool IsLast(ByteString metadata)
            {
                var input = new CodedInputStream(metadata.ToByteArray());
                bool last = false;
                while (input.ReadTag() is not 0 and var tag)
                {
                    if (WireFormat.GetTagFieldNumber(tag) == (int)Last) last = input.ReadBool();
                    else input.SkipLastField();
                }

                return last;
            }
        }
    }
}
