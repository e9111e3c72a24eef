using System.Buffers.Binary;
using Watari.Disk;
using Watari.Disk.FileSystems;
using ZstdSharp;

namespace Watari.Containers.Logs.Journal;

/// <summary>
/// A file of systemd's journal (systemd.io/JOURNAL_FILE_FORMAT), read while the guest may write it: objects that lie behind one another, and
/// once linked do not change but for what is linked to them. Everything in it may be a lie: each offset and size is checked, and chains only lead on.
/// </summary>
internal sealed class JournalFile
{
    private const int HeaderBytes = 208; // which all versions have
    private const int ArenaSize = 96; // where it is in the header
    private const int HashItemBytes = 16, ObjectBytes = 16, DataBytes = 64, CompactDataBytes = 72, EntryBytes = 64, ArrayBytes = 24;
    private const int MostHeaderBytes = 1 << 20;
    private const int MostItems = 1024; // of systemd's own
    private const int MostArrays = 1024; // each is twice the one before

    private readonly JournalBytes _bytes;
    private readonly byte[] _id;
    private readonly Incompatible _flags;
    private readonly ulong _arena;
    private readonly long _begin, _end; // of the objects
    private readonly long _hashTable, _buckets;
    private readonly byte[] _items = new byte[MostItems * 16];

    private JournalFile(string name, JournalBytes bytes, ReadOnlySpan<byte> header)
    {
        _bytes = bytes;
        _flags = (Incompatible)BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        if ((_flags & ~Incompatible.Known) is not 0 and var unknown) throw new DiskUnsupportedException(name, $"incompatible flags 0x{(uint)unknown:x} of a journal");
        _id = header.Slice(24, 16).ToArray();
        SequenceId = BinaryPrimitives.ReadUInt128LittleEndian(header[72..]);
        ulong size = BinaryPrimitives.ReadUInt64LittleEndian(header[88..]);
        _arena = BinaryPrimitives.ReadUInt64LittleEndian(header[ArenaSize..]);
        if (size is < HeaderBytes or > MostHeaderBytes || _arena > long.MaxValue - MostHeaderBytes) throw Damage(0, "a header of an impossible size");
        _begin = (long)size;
        _end = Math.Min(_begin + (long)_arena, bytes.Length);
        Entries = BinaryPrimitives.ReadUInt64LittleEndian(header[152..]);
        TailSequence = BinaryPrimitives.ReadUInt64LittleEndian(header[160..]);
        HeadSequence = BinaryPrimitives.ReadUInt64LittleEndian(header[168..]);
        TailRealtime = BinaryPrimitives.ReadUInt64LittleEndian(header[192..]);
        ulong table = BinaryPrimitives.ReadUInt64LittleEndian(header[104..]), tableBytes = BinaryPrimitives.ReadUInt64LittleEndian(header[112..]);
        if (tableBytes == 0) return;
        if (table < size || table > (ulong)_end || tableBytes > (ulong)_end - table) throw Damage(0, "a hash table outside of the file");
        (_hashTable, _buckets) = ((long)table, (long)tableBytes / HashItemBytes);
    }

    /// <summary>HEADER_INCOMPATIBLE_*.</summary>
    [Flags]
    private enum Incompatible : uint
    {
        CompressedXz = 1,
        CompressedLz4 = 2,
        KeyedHash = 4,
        CompressedZstd = 8,
        Compact = 16,
        Known = CompressedXz | CompressedLz4 | KeyedHash | CompressedZstd | Compact,
    }

    private enum ObjectType : byte
    {
        Data = 1,
        Entry = 3,
        EntryArray = 6,
    }

    /// <summary>OBJECT_COMPRESSED_*.</summary>
    [Flags]
    private enum Packing
    {
        None = 0,
        Xz = 1,
        Lz4 = 2,
        Zstd = 4,
    }

    /// <summary>The same in files that were begun one after the other, each where the one before was full.</summary>
    internal UInt128 SequenceId { get; }

    /// <summary>How many it had when it was opened.</summary>
    internal ulong Entries { get; }

    internal ulong HeadSequence { get; }

    internal ulong TailSequence { get; }

    /// <summary>In microseconds since 1970.</summary>
    internal ulong TailRealtime { get; }

    private int DataHead => IsCompact ? CompactDataBytes : DataBytes;

    private int ItemBytes => IsCompact ? sizeof(uint) : sizeof(ulong);

    private bool IsCompact => (_flags & Incompatible.Compact) != 0;

    /// <returns>Null where the guest has begun the file, and not yet written its header.</returns>
    /// <exception cref="JournalDamageException">It is no journal, or damaged.</exception>
    /// <exception cref="DiskUnsupportedException">It is of a format that is newer than this reader.</exception>
    internal static JournalFile? Open(IInode file, string name, JournalBudget budget)
    {
        var bytes = new JournalBytes(file, name, budget);
        if (bytes.Length == 0) return null;
        Span<byte> header = stackalloc byte[HeaderBytes];
        bytes.Read(0, header);
        if (!header.ContainsAnyExcept((byte)0)) return null;
        return header.StartsWith("LPKSHHRH"u8) ? new JournalFile(name, bytes, header) : throw bytes.Damage(0, "no signature of a journal");
    }

    /// <summary>What is read from now on is as it is from now on.</summary>
    internal void Forget() => _bytes.Forget();

    /// <summary>Whether the guest has made it longer since it was opened: what seemed damaged may be behind its end of then.</summary>
    internal bool HasGrown()
    {
        Span<byte> arena = stackalloc byte[sizeof(ulong)];
        _bytes.Forget();
        _bytes.Read(ArenaSize, arena);
        return BinaryPrimitives.ReadUInt64LittleEndian(arena) != _arena;
    }

    /// <summary>Where a datum, a field with its value, is; 0 where the file has none like it.</summary>
    /// <exception cref="JournalDamageException"/>
    internal long Find(ReadOnlySpan<byte> datum)
    {
        if (_buckets == 0) return 0;
        ulong hash = (_flags & Incompatible.KeyedHash) != 0 ? JournalHash.Sip(datum, _id) : JournalHash.Jenkins(datum);
        Span<byte> bucket = stackalloc byte[sizeof(ulong)];
        _bytes.Read(_hashTable + (long)(hash % (ulong)_buckets) * HashItemBytes, bucket);
        long before = 0;
        for (long at = ToOffset(BinaryPrimitives.ReadUInt64LittleEndian(bucket)); at != 0;)
        {
            // Objects are put behind the others.
            if (at <= before) throw Damage(before, "a chain of hashes that leads back");
            Datum found = ReadDatum(at);
            if (found.Hash == hash && Value(found, datum, mostBytes: 0) is { }) return at;
            (before, at) = (at, found.NextHash);
        }

        return 0;
    }

    /// <exception cref="JournalDamageException"/>
    internal JournalEntries EntriesOf(long datum)
    {
        Datum data = ReadDatum(datum);
        if (data.Entries == 0) return JournalEntries.None;
        List<JournalArray> arrays = [];
        long begin = 1, before = 0;
        Span<byte> head = stackalloc byte[ArrayBytes];
        for (long at = data.Array; at != 0 && (ulong)begin < data.Entries;)
        {
            if (at <= before) throw Damage(before, "a chain of arrays that leads back");
            if (arrays.Count == MostArrays) throw Damage(datum, $"more than {MostArrays} arrays of entries");
            long count = (ReadObject(at, ObjectType.EntryArray, head) - ArrayBytes) / ItemBytes;
            arrays.Add(new JournalArray(at + ArrayBytes, begin, count));
            begin += count;
            (before, at) = (at, ToOffset(BinaryPrimitives.ReadUInt64LittleEndian(head[ObjectBytes..])));
        }

        return new JournalEntries((int)Math.Min(Math.Min(data.Entries, (ulong)begin), int.MaxValue), data.FirstEntry, arrays);
    }

    /// <exception cref="JournalDamageException"/>
    internal JournalEntry ReadEntry(JournalEntries entries, int index)
    {
        if (index == 0) return ReadEntry(entries.First);
        Span<byte> item = stackalloc byte[ItemBytes];
        JournalArray array = default;
        for (int i = entries.Arrays.Count - 1; i >= 0 && (array = entries.Arrays[i]).Begin > index; i--)
        {
        }

        _bytes.Read(array.Offset + (index - array.Begin) * ItemBytes, item);
        return ReadEntry(ReadOffset(item));
    }

    /// <summary>Where the data of an entry are, in the order of its fields.</summary>
    /// <param name="offsets">As many as the entry has items.</param>
    /// <exception cref="JournalDamageException"/>
    internal void ReadItems(in JournalEntry entry, Span<long> offsets)
    {
        int itemBytes = IsCompact ? sizeof(uint) : 2 * sizeof(ulong); // without compact mode each has its hash, too
        Span<byte> items = _items.AsSpan(0, entry.Items * itemBytes);
        _bytes.Read(entry.Offset + EntryBytes, items);
        for (int i = 0; i < entry.Items; i++) offsets[i] = ReadOffset(items[(i * itemBytes)..]);
    }

    /// <summary>The value of a datum; null where it is of another field.</summary>
    /// <param name="field">Its name with the equals sign.</param>
    /// <param name="mostBytes">Of the value; what is longer is damage.</param>
    /// <exception cref="JournalDamageException"/>
    internal byte[]? ReadValue(long datum, ReadOnlySpan<byte> field, int mostBytes) => Value(ReadDatum(datum), field, mostBytes);

    private byte[]? Value(in Datum datum, ReadOnlySpan<byte> field, int mostBytes)
    {
        long offset = datum.Offset + DataHead, length = datum.Bytes - DataHead;
        if (datum.Packing != Packing.None)
        {
            byte[] whole = Unpack(datum, offset, length, field.Length + mostBytes);
            return whole.AsSpan().StartsWith(field) ? whole[field.Length..] : null;
        }

        if (length < field.Length) return null;
        Span<byte> name = _items.AsSpan(0, field.Length);
        _bytes.Read(offset, name);
        if (!name.SequenceEqual(field)) return null;
        length -= field.Length;
        if (length > mostBytes) throw Damage(datum.Offset, $"{length} bytes of a field that may have {mostBytes}");
        byte[] value = new byte[length];
        _bytes.Read(offset + field.Length, value);
        return value;
    }

    private byte[] Unpack(in Datum datum, long offset, long length, int mostBytes)
    {
        if (datum.Packing != Packing.Zstd) throw Damage(datum.Offset, $"it is packed by {datum.Packing.ToString().ToLowerInvariant()}, which is not unpacked");
        if (length > mostBytes) throw Damage(datum.Offset, $"{length} packed bytes of a field that may have {mostBytes}");
        byte[] packed = new byte[length];
        _bytes.Read(offset, packed);
        try
        {
            ulong size = Decompressor.GetDecompressedSize(packed);
            if (size > (ulong)mostBytes) throw Damage(datum.Offset, $"{size} bytes of a field that may have {mostBytes}");
            byte[] whole = new byte[size];
            _bytes.Budget.Take(whole.Length);
            using var zstd = new Decompressor();
            return whole[..zstd.Unwrap(packed, whole)];
        }
        catch (ZstdException e)
        {
            throw Damage(datum.Offset, e.Message);
        }
    }

    private Datum ReadDatum(long offset)
    {
        Span<byte> head = stackalloc byte[DataBytes];
        long bytes = ReadObject(offset, ObjectType.Data, head);
        if (bytes < DataHead) throw Damage(offset, "an object that is too small");
        return new Datum(
            offset,
            bytes,
            (Packing)(head[1] & (int)(Packing.Xz | Packing.Lz4 | Packing.Zstd)),
            BinaryPrimitives.ReadUInt64LittleEndian(head[16..]),
            ToOffset(BinaryPrimitives.ReadUInt64LittleEndian(head[24..])),
            ToOffset(BinaryPrimitives.ReadUInt64LittleEndian(head[40..])),
            ToOffset(BinaryPrimitives.ReadUInt64LittleEndian(head[48..])),
            BinaryPrimitives.ReadUInt64LittleEndian(head[56..]));
    }

    private JournalEntry ReadEntry(long offset)
    {
        const ulong MostMicroseconds = 1ul << 55; // as systemd has it
        Span<byte> head = stackalloc byte[EntryBytes];
        long items = (ReadObject(offset, ObjectType.Entry, head) - EntryBytes) / (IsCompact ? sizeof(uint) : 2 * sizeof(ulong));
        ulong sequence = BinaryPrimitives.ReadUInt64LittleEndian(head[16..]), realtime = BinaryPrimitives.ReadUInt64LittleEndian(head[24..]);
        if (items > MostItems || sequence == 0 || realtime is 0 or >= MostMicroseconds) throw Damage(offset, "an entry that cannot be");
        return new JournalEntry(
            offset,
            (int)items,
            sequence,
            (long)realtime,
            BinaryPrimitives.ReadUInt64LittleEndian(head[32..]),
            BinaryPrimitives.ReadUInt128LittleEndian(head[40..]),
            BinaryPrimitives.ReadUInt64LittleEndian(head[56..]));
    }

    /// <summary>The beginning of an object, and how many bytes it has.</summary>
    private long ReadObject(long offset, ObjectType type, Span<byte> head)
    {
        if (offset < _begin || offset > _end - head.Length || offset % sizeof(ulong) != 0) throw Damage(offset, "no object can be there");
        _bytes.Read(offset, head);
        ulong bytes = BinaryPrimitives.ReadUInt64LittleEndian(head[8..]);
        if (head[0] != (byte)type || bytes < (ulong)head.Length || bytes > (ulong)(_end - offset)) throw Damage(offset, $"no whole object of the type {type}");
        return (long)bytes;
    }

    private long ReadOffset(ReadOnlySpan<byte> item) => IsCompact ? BinaryPrimitives.ReadUInt32LittleEndian(item) : ToOffset(BinaryPrimitives.ReadUInt64LittleEndian(item));

    /// <summary>What no file has room for is an offset, too, at which nothing is.</summary>
    private static long ToOffset(ulong value) => (long)Math.Min(value, long.MaxValue);

    private JournalDamageException Damage(long offset, string problem) => _bytes.Damage(offset, problem);

    /// <param name="Bytes">With its head.</param>
    /// <param name="NextHash">The next of its hash's bucket.</param>
    /// <param name="FirstEntry">Of the entries that have it.</param>
    /// <param name="Array">Of the others.</param>
    private readonly record struct Datum(long Offset, long Bytes, Packing Packing, ulong Hash, long NextHash, long FirstEntry, long Array, ulong Entries);
}
