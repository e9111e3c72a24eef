using System.Buffers.Binary;

namespace Watari.Containers.Bolt;

/// <summary>
/// A bbolt database (go.etcd.io/bbolt, file format 2), read-only, from its bytes. Whoever wrote them may be hostile: each page is checked
/// to be the one that is looked for and to lie in the file, and all walks together pass no more bytes than the limit.
/// <code>
/// BoltBucket containers = BoltDatabase.Open(file).Root.Bucket("ctr"u8);
/// foreach (BoltEntry container in containers) ...
/// </code>
/// </summary>
public sealed class BoltDatabase
{
    private const uint Magic = 0xED0CDAED, Version = 2;
    private const int MetaPages = 2, MinPageSize = 512, MaxPageSize = 64 << 10;
    private const int MetaSize = 64; // of which the last 8 are the checksum of what is before

    private readonly ReadOnlyMemory<byte> _file;
    private readonly int _pageSize;
    private readonly ulong _end;
    private long _bytesLeft;

    private BoltDatabase(ReadOnlyMemory<byte> file, BoltMeta meta, long bytes)
    {
        _file = file;
        _pageSize = meta.PageSize;
        _end = Math.Min(meta.End, (ulong)(file.Length / _pageSize));
        _bytesLeft = bytes;
        TransactionId = meta.TransactionId;
        Root = new BoltBucket(this, Page(meta.Root));
    }

    /// <summary>Of the transaction that wrote last: where it is the same later, nothing was written in between.</summary>
    public ulong TransactionId { get; }

    public BoltBucket Root { get; }

    /// <param name="file">The whole file.</param>
    /// <param name="bytes">Of all pages that are visited, each time that they are.</param>
    /// <exception cref="BoltException">It is no such database, or its root is damaged.</exception>
    public static BoltDatabase Open(ReadOnlyMemory<byte> file, long bytes = 1L << 30) => new(file, NewestMeta(file.Span), bytes);

    /// <summary>The transaction that wrote a file last, from its first pages.</summary>
    /// <exception cref="BoltException">It is no such database.</exception>
    public static ulong TransactionOf(ReadOnlySpan<byte> file) => NewestMeta(file).TransactionId;

    internal BoltPage Page(ulong id)
    {
        if (id < MetaPages || id >= _end) throw new BoltException($"There is no page {id}: it ends at {_end}.");
        long start = (long)id * _pageSize;
        var page = new BoltPage(_file.Slice((int)start, _pageSize));
        if (page.Id != id) throw new BoltException($"Page {id} is called {page.Id}.");
        if (page.Overflow >= _end - id) throw new BoltException($"Page {id} flows over by {page.Overflow} pages, past the end at {_end}.");
        int length = (int)(page.Overflow + 1) * _pageSize;
        Take(length);
        return new BoltPage(_file.Slice((int)start, length));
    }

    /// <summary>Draws from what all walks may pass together: pages can lead in circles, and values lie upon one another.</summary>
    internal void Take(int bytes)
    {
        _bytesLeft -= bytes;
        if (_bytesLeft < 0) throw new BoltException("The walk through its pages does not end.");
    }

    /// <summary>Two pages hold it in turn, so that one is whole whenever a write is cut off.</summary>
    private static BoltMeta NewestMeta(ReadOnlySpan<byte> file)
    {
        BoltMeta? first = Meta(file, 0);
        // Where the first is torn, the size of a page, at which the second lies, is not known.
        BoltMeta? second = null;
        if (first is { } whole) second = Meta(file, whole.PageSize);
        else for (int size = MinPageSize; size <= MaxPageSize && second is null; size *= 2) second = Meta(file, size);
        return (first, second) switch
        {
            ({ } a, { } b) => a.TransactionId > b.TransactionId ? a : b,
            ({ } a, null) => a,
            (null, { } b) => b,
            _ => throw new BoltException("Neither of its first two pages is a whole one of a bbolt database."),
        };
    }

    private static BoltMeta? Meta(ReadOnlySpan<byte> file, int at)
    {
        if (file.Length < at + BoltPage.HeaderSize + MetaSize) return null;
        ReadOnlySpan<byte> meta = file.Slice(at + BoltPage.HeaderSize, MetaSize);
        if (BinaryPrimitives.ReadUInt32LittleEndian(meta) != Magic || BinaryPrimitives.ReadUInt32LittleEndian(meta[4..]) != Version) return null;
        if (BinaryPrimitives.ReadUInt64LittleEndian(meta[56..]) != Fnv1a(meta[..56])) return null;
        uint pageSize = BinaryPrimitives.ReadUInt32LittleEndian(meta[8..]);
        if (pageSize is < MinPageSize or > MaxPageSize || (pageSize & (pageSize - 1)) != 0) return null;
        return new BoltMeta(
            (int)pageSize,
            Root: BinaryPrimitives.ReadUInt64LittleEndian(meta[16..]),
            End: BinaryPrimitives.ReadUInt64LittleEndian(meta[40..]),
            TransactionId: BinaryPrimitives.ReadUInt64LittleEndian(meta[48..]));
    }

    private static ulong Fnv1a(ReadOnlySpan<byte> bytes)
    {
        ulong hash = 0xcbf29ce484222325;
        foreach (byte b in bytes) hash = (hash ^ b) * 0x100000001b3;
        return hash;
    }

    /// <param name="PageSize">In bytes.</param>
    /// <param name="Root">The page of the root bucket.</param>
    /// <param name="End">The first page that was never used.</param>
    private readonly record struct BoltMeta(int PageSize, ulong Root, ulong End, ulong TransactionId);
}
