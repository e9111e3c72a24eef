using System.Collections.Immutable;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Skeleton;
using Watari.Introspection.Memory;
using Watari.Silo.Engine.Migration;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>
/// A frozen container whose contents are copied out of its VM, so that the VM can run on while images are made of it: no disk need
/// keep up with a VM that stands still.
/// </summary>
internal sealed unsafe class StagedContainer : IPageContents, IPageTaker, IDisposable
{
    private readonly StagingMemory _staging;
    private readonly Dictionary<int, List<PageRun>> _memory = [];
    private Container? _container;

    /// <param name="foreseen">Bytes of contents that will be about.</param>
    public StagedContainer(long foreseen) => _staging = new StagingMemory(foreseen);

    /// <summary>The processes' private memory, which is still to be read.</summary>
    public ImmutableArray<ProcessFill> Fills { get; private set; } = [];

    /// <summary>Copies all but the processes' private memory. The guest must stand still meanwhile.</summary>
    public void Begin(Container container, IPageContents contents)
    {
        var fills = ImmutableArray.CreateBuilder<ProcessFill>();
        foreach (Process process in container.Processes)
        {
            if (process.Memory is not { } memory) continue;
            (ImmutableArray<PageRun> kept, ImmutableArray<PageRun> filled) = SkeletonBuilder.Part(memory);
            _memory[process.Pid] = [.. Copy(kept, contents)];
            fills.Add(new ProcessFill(process.Pid, filled));
        }

        Fills = fills.ToImmutable();
        _container = container with
        {
            SharedMemory = [.. container.SharedMemory.Select(segment => segment with { Pages = Copy(segment.Pages, contents) })],
            MemfdInodes = container.MemfdInodes,
            GhostFiles = [.. container.GhostFiles.Select(file => file with { Contents = Copy(file.Contents, contents) })],
            Tmpfs = [.. container.Tmpfs.Select(tree => tree with { Root = Copy(tree.Root, contents) })],
        };
    }

    /// <inheritdoc/>
    public void Take(int pid, GuestVirtualAddress start, ReadOnlySpan<byte> contents) => _memory[pid].Add(Append(start.Value, contents));

    /// <summary>Pages that are in no image read as zeroes.</summary>
    public void TakeZeroes(int pid, GuestVirtualAddress start, PageCount count)
    {
    }

    /// <summary>The container; the contents of its pages are here.</summary>
    public Container Complete() => _container! with
    {
        Processes = [.. _container.Processes.Select(process => process.Memory is { } memory ? process with { Memory = memory with { Pages = Joined(_memory[process.Pid]) } } : process)],
    };

    /// <inheritdoc/>
    public ReadOnlySpan<byte> At(PageLocation location, int length) => new((void*)location.Value, length);

    public void Dispose() => _staging.Dispose();

    private PageRun Append(ulong start, ReadOnlySpan<byte> contents)
    {
        fixed (byte* copy = _staging.Append(contents)) return new PageRun(start, (ulong)contents.Length / PageRun.PageSize, new PageLocation((ulong)copy));
    }

    private ImmutableArray<PageRun> Copy(ImmutableArray<PageRun> runs, IPageContents contents)
    {
        List<PageRun> copies = [];
        foreach (PageRun run in runs)
        {
            for (ulong done = 0; done < run.Bytes;)
            {
                ReadOnlySpan<byte> part = contents.At(run.Location.Advance(done), (int)Math.Min(run.Bytes - done, StagingMemory.BlockBytes));
                copies.Add(Append(run.Start + done, part));
                done += (ulong)part.Length;
            }
        }

        return Joined(copies);
    }

    private FileContents Copy(FileContents file, IPageContents contents) =>
        file is PagedContents paged ? paged with { Pages = Copy(paged.Pages, contents) } : file;

    private TmpfsEntry Copy(TmpfsEntry entry, IPageContents contents) => entry with
    {
        Contents = entry.Contents is { } file ? Copy(file, contents) : null,
        Children = [.. entry.Children.Select(child => Copy(child, contents))],
    };

    /// <summary>By address, and those that follow one another in both places as one.</summary>
    private static ImmutableArray<PageRun> Joined(List<PageRun> runs)
    {
        runs.Sort(static (left, right) => left.Start.CompareTo(right.Start));
        var joined = ImmutableArray.CreateBuilder<PageRun>();
        foreach (PageRun run in runs)
        {
            if (joined.Count > 0 && joined[^1] is var last && last.End == run.Start && last.Location.Advance(last.Bytes) == run.Location)
                joined[^1] = last with { Pages = last.Pages + run.Pages };
            else
                joined.Add(run);
        }

        return joined.ToImmutable();
    }
}
