using System.Diagnostics;
using Watari.Checkpoint.Freezing;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Paging;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Restore;

/// <summary>
/// Writes the memory of frozen processes from outside the guest. It writes only while the guest stands still, for short spans of
/// time, and walks the page tables anew in each: a running kernel moves pages, even those of frozen tasks.
/// </summary>
public sealed class InPlaceWriter
{
    // A look at the clock each so many bytes: 1 MiB takes about 0.3 ms to write and read back.
    private const int StrideBytes = 1 << 20;

    private static readonly PageFlags s_told = PageFlags.Writable | PageFlags.Huge;

    private readonly GuestKernel _kernel;
    private readonly GuestMemoryWriter _memory;
    private readonly IVcpuControl _cpus;
    private readonly ExclusivePages _exclusive;
    private readonly TimeSpan _pause;

    /// <param name="kernel">The destination's kernel.</param>
    /// <param name="memory">The right to write its memory.</param>
    /// <param name="cpus">Its processors.</param>
    /// <param name="pause">The longest time that it shall stand still at once; 10 ms where none is given.</param>
    /// <exception cref="Introspection.Types.KernelTypeException">The kernel does not tell exclusive pages.</exception>
    public InPlaceWriter(GuestKernel kernel, GuestMemoryWriter memory, IVcpuControl cpus, TimeSpan? pause = null)
    {
        _kernel = kernel;
        _memory = memory;
        _cpus = cpus;
        _exclusive = new ExclusivePages(kernel);
        _pause = pause ?? TimeSpan.FromMilliseconds(10);
    }

    /// <summary>Writes the pages of one process.</summary>
    /// <param name="frozen">Proof that the process stands still; looked at again in each pause.</param>
    /// <param name="tgid">The process, by its id in the guest's first pid namespace.</param>
    /// <param name="pages">What to write.</param>
    /// <param name="cancellationToken">Looked at between pauses.</param>
    /// <exception cref="FreezeException">The tasks are no longer the same, or not frozen.</exception>
    public InPlaceResult Write(FrozenTasks frozen, int tgid, IPagesToWrite pages, CancellationToken cancellationToken)
    {
        var progress = new Progress();
        while (progress.Run < pages.Runs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long begun = Stopwatch.GetTimestamp();
            using (StillGuest still = StillGuest.Pause(_kernel, _cpus))
            {
                frozen.Revalidate(still);
                AddressSpace space = MemoryOf(frozen, tgid).AddressSpace;
                while (progress.Run < pages.Runs && Stopwatch.GetElapsedTime(begun) < _pause) WriteStride(space, pages, progress);
            }

            progress.Paused(Stopwatch.GetElapsedTime(begun));
        }

        return progress.ToResult();
    }

    private MmStruct MemoryOf(FrozenTasks frozen, int tgid)
    {
        foreach (FrozenTask task in frozen.Tasks)
        {
            if (task.Pid == tgid) return TaskStruct.At(_kernel, task.Address).Mm.Value;
        }

        throw new FreezeException(FreezeFailure.NoLongerFrozen, $"Process {tgid} is not among the frozen tasks of {frozen.Selection}.");
    }

    /// <summary>Goes on for at most a stride, from where the last one ended.</summary>
    private void WriteStride(AddressSpace space, IPagesToWrite pages, Progress progress)
    {
        PagesToWrite run = pages[progress.Run];
        GuestVirtualAddress from = run.Start + (ulong)progress.Done;
        long length = Math.Min(run.Count.Bytes - progress.Done, StrideBytes);
        foreach (PageRun present in space.PageRuns(new GuestVirtualRange(from, from + (ulong)length), s_told))
        {
            WriteRun(present, run, pages, progress);
        }

        progress.Advance(length, run.Count.Bytes);
    }

    private void WriteRun(PageRun present, PagesToWrite run, IPagesToWrite pages, Progress progress)
    {
        while (present.Count > PageCount.Zero)
        {
            long good = present.Kind == PageRunKind.Present ? _exclusive.CountFrom(present) : 0;
            if (good > 0)
            {
                int bytes = (int)new PageCount(good).Bytes;
                Span<byte> memory = _memory.Span(present.Physical, bytes);
                if (run.IsZero)
                {
                    memory.Clear();
                }
                else
                {
                    run.Contents.Slice((int)(present.Start - run.Start), bytes).CopyTo(memory);
                    pages.ReadBack(present.Start, memory);
                }

                progress.Written += new PageCount(good);
                present = Rest(present, good);
            }

            if (present.Count == PageCount.Zero) return;
            long bad = present.Kind == PageRunKind.Present ? 1 : present.Count.Value;
            progress.Miss(present.Start, new PageCount(bad));
            present = Rest(present, bad);
        }
    }

    private static PageRun Rest(PageRun run, long pages)
    {
        ulong bytes = (ulong)new PageCount(pages).Bytes;
        return run with { Start = run.Start + bytes, Count = run.Count - new PageCount(pages), Physical = run.Physical + bytes };
    }

    /// <summary>How far a writing is.</summary>
    private sealed class Progress
    {
        private readonly List<GuestVirtualRange> _missing = [];
        private int _pauses;
        private TimeSpan _paused;
        private TimeSpan _longest;

        public int Run { get; private set; }

        /// <summary>Bytes of the current run that are behind us.</summary>
        public long Done { get; private set; }

        public PageCount Written { get; set; }

        public void Advance(long bytes, long ofRun)
        {
            Done += bytes;
            if (Done < ofRun) return;
            Run++;
            Done = 0;
        }

        public void Miss(GuestVirtualAddress start, PageCount count)
        {
            GuestVirtualAddress end = start + (ulong)count.Bytes;
            if (_missing.Count > 0 && _missing[^1].End == start) _missing[^1] = _missing[^1] with { End = end };
            else _missing.Add(new GuestVirtualRange(start, end));
        }

        public void Paused(TimeSpan time)
        {
            _pauses++;
            _paused += time;
            if (time > _longest) _longest = time;
        }

        public InPlaceResult ToResult() => new(Written, _missing, _pauses, _paused, _longest);
    }
}
