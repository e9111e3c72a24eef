using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>
/// A guest's RAM in a file: its regions one after the other, lowest address first, with holes where a page is zero.
/// </summary>
internal static class RamFile
{
    private const int PageSize = 4096;
    private const int ChunkSize = 4 << 20;

    /// <summary>Writes what is not zero. The VM must stand still.</summary>
    internal static void Save(GuestRam ram, string path)
    {
        using SafeFileHandle file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.SetLength(file, ram.Length);
        Parallel.ForEach(Chunks(ram, region => region.Populated()), chunk => SaveChunk(chunk, file));
    }

    /// <summary>Reads it into the RAM of a VM that never ran, whose pages are all zero.</summary>
    internal static void Load(GuestRam ram, string path)
    {
        using SafeFileHandle file = File.OpenHandle(path);
        if (RandomAccess.GetLength(file) != ram.Length)
            throw new HypervisorException($"The saved RAM {path} has {RandomAccess.GetLength(file)} bytes, the VM {ram.Length}: they do not belong together.");
        Parallel.ForEach(Chunks(ram, region => DataOf(file, region, FileOffsetOf(ram, region))), chunk => LoadChunk(chunk, file));
    }

    private readonly record struct Chunk(RamRegion Region, GuestPhysicalAddress Start, int Length, long FileOffset);

    private static IEnumerable<Chunk> Chunks(GuestRam ram, Func<RamRegion, IEnumerable<(GuestPhysicalAddress Start, long Length)>> extentsOf)
    {
        foreach (RamRegion region in ram.Regions)
        {
            long regionOffset = FileOffsetOf(ram, region);
            foreach ((GuestPhysicalAddress start, long length) in extentsOf(region))
            {
                for (long done = 0; done < length; done += ChunkSize)
                    yield return new Chunk(region, start + done, (int)Math.Min(ChunkSize, length - done), regionOffset + (start - region.Start) + done);
            }
        }
    }

    private static void SaveChunk(Chunk chunk, SafeFileHandle file)
    {
        ReadOnlySpan<byte> memory = chunk.Region.Window(chunk.Start, chunk.Length);
        for (int run = 0; run < memory.Length;)
        {
            int end = run;
            while (end < memory.Length && memory[end..Math.Min(end + PageSize, memory.Length)].ContainsAnyExcept((byte)0)) end += PageSize;
            end = Math.Min(end, memory.Length);
            if (end > run) RandomAccess.Write(file, memory[run..end], chunk.FileOffset + run);
            run = end + PageSize;
        }
    }

    private static void LoadChunk(Chunk chunk, SafeFileHandle file)
    {
        if (chunk.Region.Access != RamAccess.ProcessMemory)
        {
            Fill(chunk.Region.Window(chunk.Start, chunk.Length), chunk, file);
            return;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(chunk.Length);
        Fill(buffer.AsSpan(0, chunk.Length), chunk, file);
        chunk.Region.Write(chunk.Start, buffer.AsSpan(0, chunk.Length));
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private static void Fill(Span<byte> memory, Chunk chunk, SafeFileHandle file)
    {
        for (int done = 0; done < memory.Length;)
        {
            int read = RandomAccess.Read(file, memory[done..], chunk.FileOffset + done);
            if (read == 0) throw new HypervisorException("The saved RAM ended while it was read.");
            done += read;
        }
    }

    private static IEnumerable<(GuestPhysicalAddress Start, long Length)> DataOf(SafeFileHandle file, RamRegion region, long offset) =>
        SparseFile.Data(file, offset, region.Length).Select(data => (region.Start + (data.Offset - offset), data.Length));

    private static long FileOffsetOf(GuestRam ram, RamRegion region) => ram.Regions.TakeWhile(other => other != region).Sum(other => other.Length);
}
