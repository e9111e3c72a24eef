using System.Buffers.Binary;
using Watari.Disk;
using Watari.Disk.FileSystems;
using ZstdSharp;

namespace Watari.Containers.Logs.Journal;

/// <summary>
/// A file of systemd's journal (docs/JOURNAL_FILE_FORMAT.md and src/libsystemd/sd-journal/journal-def.h of systemd): objects that name one another by
/// their offsets. Entries are found by what is in them, through the file's hash table: what that costs goes by how many there are, not by the file's size.
/// </summary>
/// <remarks>The guest may have written anything there: each object must lie in the file, and each walk from one to the next has a bound.</remarks>
internal sealed class JournalFile
{
    private const int HeaderBytes = 208; // up to where every version has it
    private const int ObjectHeader = 16;
    private const int MostFields = 1024; // of an entry: ENTRY_FIELD_COUNT_MAX
    private const int MostChained = 1 << 12; // data of one hash; journald begins a new file at 100
    private const int MostArrays = 128; // of entries with one data: each is twice as long as the one before
    private const int BlockShift = 14, MostBlocks = 512;

    private static readonly byte[] s_signature = "LPKSHHRH"u8.ToArray();

    private readonly IInode _file;
    private readonly string _name;
    private readonly long _length;
    private readonly byte[] _id;
    private readonly bool _isKeyed, _isCompact;
    private readonly long _hashTable;
    private readonly ulong _buckets;
    private readonly Dictionary<long, byte[]> _blocks = [];
    private readonly Dictionary<long, JournalField> _known = []; // of data that many entries share

    private JournalFile(IInode file, string name, ReadOnlySpan<byte> header)
    {
        _file = file;
        _name = name;
        Ino = file.Status.Ino;
        _length = file.Status.Size;
        var features = (JournalFeatures)Word32(header[12..]);
        if ((features & ~JournalFeatures.Known) != 0) throw new DiskUnsupportedException($"journal {name}", $"incompatible flags 0x{(uint)(features & ~JournalFeatures.Known):x}");
        _isKeyed = features.HasFlag(JournalFeatures.KeyedHash);
        _isCompact = features.HasFlag(JournalFeatures.Compact);
        _id = header.Slice(24, 16).ToArray();
        SequenceId = new Guid(header.Slice(72, 16));
        _hashTable = (long)Word64(header[104..]);
        _buckets = Word64(header[112..]) / 16;
        FirstSequence = Word64(header[168..]);
        FirstTime = Word64(header[184..]);
    }

    internal ulong Ino { get; }

    /// <summary>Whose sequence numbers its entries have.</summary>
    internal Guid SequenceId { get; }

    /// <summary>The number of its oldest entry; 0: it has none.</summary>
    internal ulong FirstSequence { get; }

    /// <summary>When that was written, in µs of the guest's clock.</summary>
    internal ulong FirstTime { get; }

    /// <returns>Null for what is no journal, or one that is only being made.</returns>
    /// <exception cref="DiskUnsupportedException">It is of a newer kind than is known.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    internal static JournalFile? TryOpen(IInode file, string name)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        return file.ReadUpTo(0, header) == header.Length && header.StartsWith(s_signature) ? new JournalFile(file, name, header) : null;
    }

    /// <summary>The entries that have a field of a value.</summary>
    /// <param name="data">As in <c>FIELD=value</c>.</param>
    /// <exception cref="DiskStructureException">It is damaged.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    internal JournalEntries Find(ReadOnlySpan<byte> data)
    {
        if (_buckets == 0) return JournalEntries.None;
        ulong hash = _isKeyed ? JournalHash.Keyed(data, _id) : JournalHash.Jenkins(data);
        long at = (long)Read64(unchecked(_hashTable + ((long)(hash % _buckets) * 16)));
        Span<byte> head = stackalloc byte[72];
        for (int step = 0; at != 0; step++)
        {
            if (step == MostChained) throw Damaged(at, $"more than {MostChained} data have one hash");
            head = head[..PayloadOffset];
            long size = ReadObject(at, JournalObject.Data, head, out byte flags);
            if (Word64(head[16..]) == hash && data.SequenceEqual(ReadPayload(at, size - PayloadOffset, flags))) return EntriesOf(head);
            at = (long)Word64(head[24..]);
        }

        return JournalEntries.None;
    }

    /// <summary>An entry of a container's log.</summary>
    /// <returns>False for one that has no text that can be read.</returns>
    /// <exception cref="DiskStructureException">It is damaged.</exception>
    /// <exception cref="DiskException">It cannot be read.</exception>
    internal bool TryReadEntry(long at, out LogEntry entry)
    {
        const int Items = 64;
        const ulong MicrosecondsOfSecond = 1_000_000;
        Span<byte> head = stackalloc byte[Items];
        long size = ReadObject(at, JournalObject.Entry, head, out _);
        int width = _isCompact ? 4 : 16;
        int count = (int)Math.Min((size - Items) / width, MostFields);
        byte[] items = new byte[count * width];
        Read(at + Items, items);

        ulong written = Word64(head[24..]);
        var time = new FileTime((long)(written / MicrosecondsOfSecond), (uint)(written % MicrosecondsOfSecond) * 1000);
        byte[]? text = null;
        bool isError = false, isPartial = false;
        for (int i = 0; i < count; i++)
        {
            JournalField field = ReadField(_isCompact ? Word32(items.AsSpan(i * width)) : (long)Word64(items.AsSpan(i * width)));
            switch (field.Kind)
            {
                case JournalFieldKind.Message: text = field.Value; break;
                case JournalFieldKind.Priority: isError = field.Value.AsSpan().SequenceEqual("3"u8); break;
                case JournalFieldKind.PartialMessage: isPartial = field.Value.AsSpan().SequenceEqual("true"u8); break;
                case JournalFieldKind.Timestamp when LogFormat.TryParseTime(field.Value, out FileTime exact): time = exact; break;
                default: break;
            }
        }

        entry = text is null ? default : new LogEntry(time, isError, isPartial ? text : (byte[])[.. text, (byte)'\n']);
        return text is not null;
    }

    /// <summary>What was read of it is let go: a guest can have many, and long ones.</summary>
    internal void Leave()
    {
        _blocks.Clear();
        _known.Clear();
    }

    /// <summary>What lies at an offset of an array of entries.</summary>
    internal long ReadItem(long items, int index) => _isCompact ? Read32(items + (4L * index)) : (long)Read64(items + (8L * index));

    private int PayloadOffset => _isCompact ? 72 : 64;

    private JournalEntries EntriesOf(ReadOnlySpan<byte> data)
    {
        const int Items = 24;
        ulong left = Word64(data[56..]);
        if (left == 0) return JournalEntries.None;
        var entries = new JournalEntries(this, (long)Word64(data[40..]));
        left--;
        Span<byte> head = stackalloc byte[Items];
        long at = (long)Word64(data[48..]);
        for (int step = 0; at != 0 && left > 0; step++)
        {
            if (step == MostArrays) throw Damaged(at, $"more than {MostArrays} arrays of entries");
            long size = ReadObject(at, JournalObject.EntryArray, head, out _);
            int count = (int)Math.Min(Math.Min((ulong)(size - Items) / (_isCompact ? 4UL : 8), left), int.MaxValue);
            entries.Add(at + Items, count);
            left -= (ulong)count;
            at = (long)Word64(head[16..]);
        }

        return entries;
    }

    private JournalField ReadField(long at)
    {
        const int MostKnown = 1 << 12, MostKeptBytes = 64;
        if (_known.TryGetValue(at, out JournalField known)) return known;
        JournalField field = ReadUnknownField(at);
        if (_known.Count == MostKnown) _known.Clear();
        if (field.Value.Length <= MostKeptBytes) _known[at] = field;
        return field;
    }

    private JournalField ReadUnknownField(long at)
    {
        Span<byte> head = stackalloc byte[72];
        long length = ReadObject(at, JournalObject.Data, head[..PayloadOffset], out byte flags) - PayloadOffset;
        if (flags == 0)
        {
            Span<byte> name = stackalloc byte[JournalField.LongestName];
            name = name[..(int)Math.Min(name.Length, length)];
            Read(at + PayloadOffset, name);
            if (JournalField.KindOf(name) is null) return default;
        }

        byte[] payload = ReadPayload(at, length, flags);
        return JournalField.KindOf(payload) is { } kind ? JournalField.Of(kind, payload) : default;
    }

    /// <summary>
    /// What a data object holds, unpacked: journald packs what is long (Compress= of journald.conf(5), 512 bytes), since v246 with zstd. Nothing where it is
    /// packed in another way, or longer than an entry of a log may be.
    /// </summary>
    private byte[] ReadPayload(long at, long length, byte flags)
    {
        if (length > LogFiles.MaxEntry) return [];
        byte[] payload = new byte[length];
        Read(at + PayloadOffset, payload);
        return (JournalCompression)flags switch
        {
            JournalCompression.None => payload,
            JournalCompression.Zstd => Unpack(payload),
            _ => [],
        };
    }

    private static byte[] Unpack(byte[] packed)
    {
        try
        {
            ulong length = Decompressor.GetDecompressedSize(packed);
            if (length > LogFiles.MaxEntry) return [];
            using var zstd = new Decompressor();
            byte[] payload = new byte[length];
            return zstd.TryUnwrap(packed, payload, out int count) ? payload[..count] : [];
        }
        catch (ZstdException)
        {
            return [];
        }
    }

    /// <summary>Reads an object's first bytes.</summary>
    /// <returns>Its size, all of which lies in the file.</returns>
    private long ReadObject(long at, JournalObject type, Span<byte> head, out byte flags)
    {
        if (at % 8 != 0 || at < HeaderBytes || at > _length - ObjectHeader) throw Damaged(at, "no object can be there");
        Read(at, head[..ObjectHeader]);
        flags = head[1];
        ulong size = Word64(head[8..]);
        if (head[0] != (byte)type) throw Damaged(at, $"an object of type {head[0]}, and {(byte)type} was to be there");
        if (size < (ulong)head.Length || size > (ulong)(_length - at)) throw Damaged(at, $"an object of {size} bytes");
        Read(at + ObjectHeader, head[ObjectHeader..]);
        return (long)size;
    }

    private ulong Read64(long at)
    {
        Span<byte> bytes = stackalloc byte[8];
        Read(at, bytes);
        return Word64(bytes);
    }

    private uint Read32(long at)
    {
        Span<byte> bytes = stackalloc byte[4];
        Read(at, bytes);
        return Word32(bytes);
    }

    private void Read(long at, Span<byte> destination)
    {
        if (at < 0 || at > _length - destination.Length) throw Damaged(at, "it lies behind the file's end");
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<byte> block = Block(at >> BlockShift);
            int within = (int)(at & ((1 << BlockShift) - 1));
            if (within >= block.Length) throw Damaged(at, "the file was cut off");
            block = block[within..];
            block = block[..Math.Min(block.Length, destination.Length)];
            block.CopyTo(destination);
            destination = destination[block.Length..];
            at += block.Length;
        }
    }

    private byte[] Block(long number)
    {
        if (_blocks.TryGetValue(number, out byte[]? known)) return known;
        if (_blocks.Count == MostBlocks) _blocks.Clear();
        byte[] block = new byte[1 << BlockShift];
        int count = _file.ReadUpTo(number << BlockShift, block);
        return _blocks[number] = count == block.Length ? block : block[..count];
    }

    private DiskStructureException Damaged(long at, string problem) => new($"journal {_name}, object at {at}", problem);

    private static ulong Word64(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt64LittleEndian(bytes);

    private static uint Word32(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadUInt32LittleEndian(bytes);
}
