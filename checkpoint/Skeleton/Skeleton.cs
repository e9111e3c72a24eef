using System.Collections.Immutable;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Skeleton;

/// <summary>
/// A container whose memory is written by the host: images that CRIU builds everything from but the contents of most pages,
/// and those pages.
/// </summary>
/// <param name="Images">A set like the full one; its pagemaps hold only what must not be written in place.</param>
/// <param name="Fills">The rest, by process.</param>
public sealed record ContainerSkeleton(CriuImageSet Images, ImmutableArray<ProcessFill> Fills)
{
    /// <summary>Pages of all processes that are to be written.</summary>
    public ulong Pages
    {
        get
        {
            ulong pages = 0;
            foreach (ProcessFill fill in Fills)
                pages += fill.Pages;
            return pages;
        }
    }
}

/// <summary>What of one process is to be made present at the destination and written in place.</summary>
/// <param name="Pid">In the container's pid namespace.</param>
/// <param name="Runs">By address; each with where its contents lie at the source.</param>
public sealed record ProcessFill(int Pid, ImmutableArray<PageRun> Runs)
{
    public ulong Pages
    {
        get
        {
            ulong pages = 0;
            foreach (PageRun run in Runs)
                pages += run.Pages;
            return pages;
        }
    }
}
