using Watari.Disk.Ext4.Journal;
using Watari.Disk.Images;

namespace Watari.Disk.Ext4;

/// <summary>
/// The blocks of a file system: those of its journal where it has newer ones, else the volume's. Blocks with structures are held for a
/// while; one that was read stays as it is while it is held, so structures in it may be handed out.
/// </summary>
internal sealed class BlockDevice(IDiskImage image, SuperBlock superBlock, JournalBlocks newer, DiskLimits limits)
{
    private readonly Lock _gate = new();
    private readonly TornReads _torn = new(limits);
    private readonly int _generation = Math.Max(1, limits.CachedBytes / superBlock.BlockSize / 2);
    private Dictionary<BlockNumber, byte[]> _young = [];
    private Dictionary<BlockNumber, byte[]> _old = [];

    public int BlockSize => superBlock.BlockSize;

    /// <summary>A block with a structure, whole and checked. One that tears is read again.</summary>
    /// <exception cref="DiskChecksumException">Its checksum did not fit, as often as <see cref="TornReads"/> lets it be read.</exception>
    /// <exception cref="DiskStructureException">There is no such block.</exception>
    public ReadOnlyMemory<byte> Read<TCheck>(BlockNumber block, TCheck check) where TCheck : struct, IBlockCheck
    {
        for (int attempt = 1; ; attempt++)
        {
            byte[]? bytes = attempt == 1 ? Held(block) : null;
            if (bytes is null)
            {
                if (!Has(block, 1)) throw Outside(check.Structure, block, 1);
                bytes = new byte[BlockSize];
                if (!newer.TryRead(block, bytes)) image.Read(OffsetOf(block), bytes);
                Hold(block, bytes);
            }

            if (check.Fits(bytes)) return bytes;
            if (newer.Has(block) || !_torn.Again(attempt)) throw new DiskChecksumException(check.Structure);
        }
    }

    /// <summary>Copies what a file has in blocks that lie one behind the other.</summary>
    /// <param name="first">The first of the blocks.</param>
    /// <param name="offset">In bytes from its beginning on; less than a block.</param>
    /// <param name="destination">Of any length.</param>
    /// <param name="inode">Whose they are, for an error.</param>
    /// <exception cref="DiskStructureException">There are no such blocks.</exception>
    public void ReadData(BlockNumber first, int offset, Span<byte> destination, InodeNumber inode)
    {
        ulong count = ((ulong)offset + (ulong)destination.Length + (ulong)BlockSize - 1) / (ulong)BlockSize;
        if (!Has(first, count)) throw Outside($"{inode}", first, count);
        if (newer.Count == 0)
        {
            image.Read(OffsetOf(first) + offset, destination);
            return;
        }

        // Data are seldom in the journal: runs between blocks that are there.
        while (!destination.IsEmpty)
        {
            int length = Math.Min(destination.Length, BlockSize - offset);
            if (newer.TryGet(first, out ReadOnlySpan<byte> bytes))
            {
                bytes.Slice(offset, length).CopyTo(destination);
                first += 1;
            }
            else
            {
                BlockNumber next = first + 1;
                for (; length < destination.Length && !newer.Has(next); next += 1) length = Math.Min(destination.Length, length + BlockSize);
                image.Read(OffsetOf(first) + offset, destination[..length]);
                first = next;
            }

            destination = destination[length..];
            offset = 0;
        }
    }

    private bool Has(BlockNumber first, ulong count) => first.Value < superBlock.BlocksCount && count <= superBlock.BlocksCount - first.Value;

    private DiskStructureException Outside(string structure, BlockNumber first, ulong count) =>
        new(structure, $"{count} blocks at {first} are not in the file system; it has {superBlock.BlocksCount}");

    private long OffsetOf(BlockNumber block) => (long)block.Value * BlockSize; // SuperBlock has checked that it fits

    private byte[]? Held(BlockNumber block)
    {
        lock (_gate)
        {
            if (_young.TryGetValue(block, out byte[]? bytes)) return bytes;
            if (!_old.Remove(block, out bytes)) return null;
            Add(block, bytes);
            return bytes;
        }
    }

    private void Hold(BlockNumber block, byte[] bytes)
    {
        lock (_gate) Add(block, bytes);
    }

    /// <summary>Two generations: what nobody asked for while the young one filled is forgotten.</summary>
    private void Add(BlockNumber block, byte[] bytes)
    {
        if (_young.Count >= _generation && !_young.ContainsKey(block))
        {
            (_young, _old) = (_old, _young);
            _young.Clear();
        }

        _young[block] = bytes;
    }
}
