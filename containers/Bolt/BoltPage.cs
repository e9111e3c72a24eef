using System.Buffers.Binary;

namespace Watari.Containers.Bolt;

/// <summary>What a page is (bbolt internal/common/page.go).</summary>
[Flags]
internal enum BoltPageFlags : ushort
{
    Branch = 0x01,
    Leaf = 0x02,
    Meta = 0x04,
    FreeList = 0x10,
}

/// <summary>A page with those that it flows over into, or the page in place of a small bucket: a header, elements, keys and values.</summary>
/// <param name="Bytes">All of it, in bounds of the file.</param>
internal readonly record struct BoltPage(ReadOnlyMemory<byte> Bytes)
{
    internal const int HeaderSize = 16, ElementSize = 16;
    private const uint BucketElement = 1;

    internal ulong Id => BinaryPrimitives.ReadUInt64LittleEndian(Bytes.Span);

    internal BoltPageFlags Flags => (BoltPageFlags)BinaryPrimitives.ReadUInt16LittleEndian(Bytes.Span[8..]);

    internal int Count => BinaryPrimitives.ReadUInt16LittleEndian(Bytes.Span[10..]);

    /// <summary>Pages after the first.</summary>
    internal uint Overflow => BinaryPrimitives.ReadUInt32LittleEndian(Bytes.Span[12..]);

    /// <summary>The page that the element of a branch leads to.</summary>
    /// <exception cref="BoltException">The element lies outside the page.</exception>
    internal ulong Child(int index) => BinaryPrimitives.ReadUInt64LittleEndian(Element(index).Span[8..]);

    /// <summary>The key and value that the element of a leaf holds.</summary>
    /// <exception cref="BoltException">They lie outside the page.</exception>
    internal BoltEntry Entry(int index)
    {
        ReadOnlySpan<byte> element = Element(index).Span;
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(element);
        // Counted from the element itself.
        long key = HeaderSize + ((long)index * ElementSize) + BinaryPrimitives.ReadUInt32LittleEndian(element[4..]);
        uint keySize = BinaryPrimitives.ReadUInt32LittleEndian(element[8..]), valueSize = BinaryPrimitives.ReadUInt32LittleEndian(element[12..]);
        if (key + keySize + valueSize > Bytes.Length) throw new BoltException($"An element of page {Id} leads out of it.");
        return new BoltEntry(Bytes.Slice((int)key, (int)keySize), Bytes.Slice((int)(key + keySize), (int)valueSize), (flags & BucketElement) != 0);
    }

    private ReadOnlyMemory<byte> Element(int index)
    {
        int at = HeaderSize + (index * ElementSize);
        return at + ElementSize <= Bytes.Length ? Bytes.Slice(at, ElementSize) : throw new BoltException($"Page {Id} is said to have {Count} elements, and has no room for them.");
    }
}

/// <summary>A key of a bucket, and its value: bytes, or another bucket.</summary>
public readonly record struct BoltEntry(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, bool IsBucket);
