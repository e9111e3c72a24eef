using System.Collections.Immutable;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Skeleton;

/// <summary>
/// Parts a container's pages into those that its images keep and those that the host writes. In place only what is the
/// process's alone once it is touched can be written: private memory. The vdso is the kernel's own page, and a page of
/// shared memory is in nobody's hands alone: both stay in the images.
/// </summary>
public static class SkeletonBuilder
{
    /// <summary>Builds the skeleton; the full set for a landing zone is what <see cref="CriuImageBuilder"/> makes of the same container.</summary>
    /// <exception cref="CriuImageException">A process has memory but no page that its images could keep; CRIU 3.17.1 dies of an empty pagemap.</exception>
    public static ContainerSkeleton Build(Container container, IPageContents contents, CriuImageOptions options)
    {
        ArgumentNullException.ThrowIfNull(container);
        var processes = ImmutableArray.CreateBuilder<Process>(container.Processes.Length);
        var fills = ImmutableArray.CreateBuilder<ProcessFill>();
        foreach (Process process in container.Processes)
        {
            if (process.Memory is not { } memory)
            {
                processes.Add(process);
                continue;
            }
            (ImmutableArray<PageRun> kept, ImmutableArray<PageRun> filled) = Part(memory);
            if (kept.IsEmpty && !filled.IsEmpty)
                throw new CriuImageException($"pagemap-{process.Pid}.img", "would be empty: the process has no page that its images could keep, not even of a vdso");
            processes.Add(process with { Memory = memory with { Pages = kept } });
            fills.Add(new ProcessFill(process.Pid, filled));
        }
        CriuImageSet images = CriuImageBuilder.Build(container with { Processes = processes.MoveToImmutable() }, contents, options);
        return new ContainerSkeleton(images, fills.ToImmutable());
    }

    /// <summary>Parts the pages of one process: those that its images must keep, and its private memory.</summary>
    public static (ImmutableArray<PageRun> Kept, ImmutableArray<PageRun> Filled) Part(MemoryLayout memory)
    {
        var kept = ImmutableArray.CreateBuilder<PageRun>();
        var filled = ImmutableArray.CreateBuilder<PageRun>();
        int area = 0;
        foreach (PageRun run in memory.Pages)
        {
            // Both are sorted: one pass over areas and runs. A run may reach over the border of two areas.
            while (area < memory.Areas.Length && memory.Areas[area].End <= run.Start)
                area++;
            for (int next = area; next < memory.Areas.Length && memory.Areas[next].Start < run.End; next++)
            {
                PageRun part = run.Within(memory.Areas[next].Start, memory.Areas[next].End);
                (IsWrittenInPlace(memory.Areas[next]) ? filled : kept).Add(part);
            }
        }
        return (kept.ToImmutable(), filled.ToImmutable());
    }

    private static bool IsWrittenInPlace(VmArea area) =>
        area.Kind is VmAreaKind.PrivateAnonymous or VmAreaKind.PrivateFile;
}
