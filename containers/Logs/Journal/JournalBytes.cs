using Watari.Disk;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Logs.Journal;

/// <summary>A structure of a journal file is not what it should be. What the file system itself gives is another <see cref="DiskStructureException"/>.</summary>
internal sealed class JournalDamageException(string structure, string problem) : DiskStructureException(structure, problem);

/// <summary>Bytes of journal files that may be read, or unpacked. A guest can make them lead anywhere, and over and over.</summary>
internal sealed class JournalBudget
{
    private const long BytesOfOneWalk = 256 << 20;

    /// <summary>In the walk that goes on.</summary>
    internal long Used { get; private set; }

    internal void BeginWalk() => Used = 0;

    /// <exception cref="DiskLimitException">No more are read in this walk.</exception>
    internal void Take(int bytes)
    {
        Used += bytes;
        if (Used > BytesOfOneWalk) throw new DiskLimitException("the journal", nameof(BytesOfOneWalk), BytesOfOneWalk);
    }
}

/// <summary>The bytes of a journal file. What lies together in it is read together: its objects are small.</summary>
internal sealed class JournalBytes(IInode file, string name, JournalBudget budget)
{
    private const int BlockBytes = 4096, MostBlocks = 256;
    private const int DamageBytes = 16 << 10; // what an exception takes as long as

    private readonly Dictionary<long, ReadOnlyMemory<byte>> _blocks = [];

    internal long Length { get; } = file.Status.Size;

    internal JournalBudget Budget => budget;

    /// <summary>What is read from now on is as it is from now on.</summary>
    internal void Forget() => _blocks.Clear();

    /// <exception cref="JournalDamageException">The file ends before.</exception>
    internal void Read(long offset, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            (long number, long at) = Math.DivRem(offset, BlockBytes);
            ReadOnlySpan<byte> block = Block(number).Span;
            if (block.Length <= at) throw Damage(offset, "the file ends before");
            block = block[(int)at..];
            block = block[..Math.Min(block.Length, destination.Length)];
            block.CopyTo(destination);
            destination = destination[block.Length..];
            offset += block.Length;
        }
    }

    internal JournalDamageException Damage(long offset, string problem)
    {
        budget.Take(DamageBytes);
        return new JournalDamageException($"{name} at byte {offset}", problem);
    }

    private ReadOnlyMemory<byte> Block(long number)
    {
        if (_blocks.TryGetValue(number, out ReadOnlyMemory<byte> block)) return block;
        if (_blocks.Count == MostBlocks) _blocks.Clear();
        byte[] bytes = new byte[BlockBytes];
        budget.Take(bytes.Length);
        return _blocks[number] = bytes.AsMemory(0, file.ReadUpTo(number * BlockBytes, bytes));
    }
}
