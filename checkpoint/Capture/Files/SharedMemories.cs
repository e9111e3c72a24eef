using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Memory that has an inode: shared anonymous mappings, memfds, files of tmpfs.</summary>
internal sealed class SharedMemories(GuestKernel kernel)
{
    private readonly Dictionary<GuestVirtualAddress, SharedMemoryId> _segments = [];
    private readonly Dictionary<GuestVirtualAddress, MemfdInodeId> _memfds = [];
    private readonly ImmutableArray<SharedMemory>.Builder _memory = ImmutableArray.CreateBuilder<SharedMemory>();
    private readonly ImmutableArray<MemfdInode>.Builder _memfdInodes = ImmutableArray.CreateBuilder<MemfdInode>();
    private readonly Lazy<int> _upToDateBit = new(() => (int)kernel.Types.Enumerator("PG_uptodate"));

    public ImmutableArray<SharedMemory> Segments => _memory.ToImmutable();

    public ImmutableArray<MemfdInode> Memfds => _memfdInodes.ToImmutable();

    /// <summary>The segment of an inode; captured at its first mention.</summary>
    public SharedMemoryId Capture(CapturedFile file, InodeStruct inode)
    {
        if (_segments.TryGetValue(inode.Address, out SharedMemoryId known)) return known;
        var id = new SharedMemoryId((uint)_segments.Count + 1);
        _segments.Add(inode.Address, id);
        _memory.Add(new SharedMemory(id, PagesOf(file, inode)));
        return id;
    }

    public MemfdFile CaptureMemfd(CapturedFile file) => new()
    {
        Id = file.Id,
        Flags = file.Flags,
        Owner = file.Owner,
        Inode = CaptureMemfdInode(file),
        Position = file.Holders[0].Hold == FileHold.Descriptor ? (ulong)file.File.FPos : 0,
    };

    /// <summary>
    /// The pages of a file of tmpfs, by their offset; what no run covers reads as zeroes. Refused where some are swapped out.
    /// </summary>
    public ImmutableArray<PageRun> PagesOf(CapturedFile file, InodeStruct inode)
    {
        (ImmutableArray<PageRun> runs, ulong swapped) = PagesOf(inode, file.Budget);
        if (swapped > 0) file.Refuse($"{swapped} of its pages are swapped out in the guest; swapped pages are not carried");
        return runs;
    }

    /// <summary>The same, and how many more are swapped out.</summary>
    public (ImmutableArray<PageRun> Runs, ulong Swapped) PagesOf(InodeStruct inode, CaptureBudget budget)
    {
        var runs = ImmutableArray.CreateBuilder<PageRun>();
        ulong pages = (ulong)PageCount.Covering((ulong)Math.Max(inode.ISize, 0)).Value;
        ulong swapped = 0;
        foreach (FilePageRun entry in inode.IMapping.Value.Pages)
        {
            if (entry.Index >= pages) break; // beyond the end: allocated ahead by fallocate(2)
            ulong count = Math.Min((ulong)entry.Count.Value, pages - entry.Index);
            budget.TakePages(count);
            int known = runs.Count;
            if (entry.IsSwapped)
                swapped += count;
            else if (IsUpToDate(entry.Frame))
                Add(runs, new PageRun(entry.Index * GuestPage.Size, count, new PageLocation(entry.Frame.Address.Value)));
            budget.TakeRuns(runs.Count - known);
        }

        return (runs.ToImmutable(), swapped);
    }

    private static void Add(ImmutableArray<PageRun>.Builder runs, PageRun run)
    {
        if (runs.Count > 0 && runs[^1] is var last && last.End == run.Start && last.Location.Advance(last.Bytes) == run.Location)
            runs[^1] = last with { Pages = last.Pages + run.Pages };
        else
            runs.Add(run);
    }

    /// <summary>A page that was allocated ahead and never written is not cleared yet: it reads as zeroes, whatever lies there.</summary>
    private bool IsUpToDate(PageFrameNumber frame) =>
        (PageStruct.At(kernel, kernel.Pages.PageOf(frame)).Head.Flags >> _upToDateBit.Value & 1) != 0;

    private MemfdInodeId CaptureMemfdInode(CapturedFile file)
    {
        InodeStruct inode = file.File.FInode.Value;
        if (_memfds.TryGetValue(inode.Address, out MemfdInodeId known)) return known;
        var id = new MemfdInodeId((uint)_memfds.Count + 1);
        _memfds.Add(inode.Address, id);
        _memfdInodes.Add(new MemfdInode
        {
            Id = id,
            Name = FileKinds.MemfdName(file.File),
            Uid = inode.IUid,
            Gid = inode.IGid,
            Size = (ulong)inode.ISize,
            Seals = ShmemInodeInfo.Of(inode).Seals,
            Mode = inode.IMode,
            Memory = Capture(file, inode),
        });
        return id;
    }
}
