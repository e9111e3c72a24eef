using Watari.Checkpoint.Model;
using Watari.Checkpoint.Skeleton;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration;

/// <summary>The pages that the destination's host writes in place, copied out of the source VM while it stood still.</summary>
internal sealed class OutgoingPages : IPageSource
{
    // Runs are handed out in parts no longer than this, so that the streams share a large one.
    private const int MaxRunBytes = 16 << 20;

    private readonly StagingMemory _staging;
    private readonly List<StagedRun> _runs = [];
    private int _run;
    private long _done;

    private OutgoingPages(StagingMemory staging) => _staging = staging;

    public Transfer.PageCount Pages { get; private set; }

    /// <summary>Copies the pages of all fills. The guest must stand still meanwhile.</summary>
    public static OutgoingPages Copy(IReadOnlyList<ProcessFill> fills, IPageContents contents, StagingMemory staging)
    {
        var pages = new OutgoingPages(staging);
        foreach (ProcessFill fill in fills)
        {
            foreach (Checkpoint.Model.PageRun run in fill.Runs) pages.Copy(new AddressSpaceId((uint)fill.Pid), run, contents);
        }

        return pages;
    }

    public int Take(Span<Transfer.PageRun> runs)
    {
        int taken = 0;
        while (taken < runs.Length && _run < _runs.Count)
        {
            StagedRun run = _runs[_run];
            int length = (int)Math.Min(run.Bytes - _done, MaxRunBytes);
            runs[taken++] = Transfer.PageRun.Over(run.Space, run.First + (_done / Transfer.PageCount.Size), _staging.At(run.Offset + _done, length));
            _done += length;
            if (_done == run.Bytes)
            {
                _run++;
                _done = 0;
            }
        }

        return taken;
    }

    private void Copy(AddressSpaceId space, Checkpoint.Model.PageRun run, IPageContents contents)
    {
        long begin = -1;
        for (ulong done = 0; done < run.Bytes;)
        {
            ReadOnlySpan<byte> part = contents.At(run.Location.Advance(done), (int)Math.Min(run.Bytes - done, int.MaxValue & ~0xfff));
            long at = _staging.Append(part);
            if (begin < 0) begin = at;
            done += (ulong)part.Length;
        }

        if (begin < 0) return;
        _runs.Add(new StagedRun(space, new VirtualPage(run.Start / Checkpoint.Model.PageRun.PageSize), begin, (long)run.Bytes));
        Pages = new Transfer.PageCount(Pages.Value + (long)run.Pages);
    }

    /// <param name="Space">The process, by its pid in the container.</param>
    /// <param name="First">The first page's number in its address space.</param>
    /// <param name="Offset">Where the contents begin in the staging memory.</param>
    /// <param name="Bytes">Their length.</param>
    private readonly record struct StagedRun(AddressSpaceId Space, VirtualPage First, long Offset, long Bytes);
}
