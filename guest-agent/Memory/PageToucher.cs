using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Memory;

/// <summary>
/// Makes pages of a frozen process present and exclusive, block by block of 2 MiB: the first absent
/// page of a block is written alone, for the kernel may answer with a huge page that brings all the
/// others; what it has not brought is written in one call.
/// </summary>
internal sealed class PageToucher(int pid)
{
    private const int BlockPages = 512;
    private const ulong BlockSize = BlockPages * Pagemap.PageSize;
    private const ulong EndOfUserSpace = 1ul << 56; // 5-level paging
    private const long MostPages = 1L << 28;

    private struct Counts
    {
        public long Pages, Already, Written, ByHugePage, Failed;
    }

    /// <exception cref="AgentException">bad-request: a range is no range of user pages.</exception>
    public static long CheckedTotal(IReadOnlyList<PageRange> ranges)
    {
        long total = 0;
        foreach (PageRange range in ranges)
        {
            bool good = range.Address % Pagemap.PageSize == 0 && range.Pages > 0 && range.Address < EndOfUserSpace && range.Pages <= (EndOfUserSpace - range.Address) / Pagemap.PageSize;
            total += good ? (long)Math.Min(range.Pages, MostPages + 1) : MostPages + 1;
            if (total > MostPages)
                throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"No range of pages to touch: {range.Pages} pages at 0x{range.Address:x}, or more than {MostPages} in all."));
        }
        return total;
    }

    /// <summary>Touches all ranges, on as many threads as there is use for.</summary>
    public TouchResult Touch(IReadOnlyList<PageRange> ranges, Deadline deadline)
    {
        const long pagesWorthAThread = 4096;
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        long total = CheckedTotal(ranges);
        int workers = (int)Math.Clamp(total / pagesWorthAThread, 1, Math.Min(Environment.ProcessorCount, 4));
        Counts[] counts = new Counts[workers];
        Exception?[] failures = new Exception?[workers];
        Thread[] threads = new Thread[workers - 1];
        void Work(int worker)
        {
            try
            {
                TouchSlice(ranges, total * worker / workers, total * (worker + 1) / workers, ref counts[worker], deadline);
            }
            catch (Exception failed)
            {
                failures[worker] = failed;
            }
        }
        for (int i = 0; i < threads.Length; i++)
        {
            int worker = i + 1;
            threads[i] = new Thread(() => Work(worker), 256 * 1024);
            threads[i].Start();
        }
        Work(0);
        foreach (Thread thread in threads)
            thread.Join();
        if (failures.FirstOrDefault(failure => failure is not null) is { } first)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        return new TouchResult
        {
            Pages = counts.Sum(c => c.Pages),
            Already = counts.Sum(c => c.Already),
            Written = counts.Sum(c => c.Written),
            ByHugePage = counts.Sum(c => c.ByHugePage),
            Failed = counts.Sum(c => c.Failed),
            Milliseconds = System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalMilliseconds,
        };
    }

    // The pages from..to of all the ranges' pages counted through.
    private void TouchSlice(IReadOnlyList<PageRange> ranges, long from, long to, ref Counts counts, Deadline deadline)
    {
        using Pagemap pagemap = Pagemap.Of(pid);
        using RemoteBytes memory = new(pid);
        long seen = 0;
        foreach (PageRange range in ranges)
        {
            long first = Math.Max(from - seen, 0), last = Math.Min(to - seen, (long)range.Pages);
            seen += (long)range.Pages;
            for (long page = first; page < last;)
            {
                deadline.Check("pages were touched");
                ulong address = range.Address + ((ulong)page * Pagemap.PageSize);
                int inBlock = (int)Math.Min((BlockSize - (address % BlockSize)) / Pagemap.PageSize, (ulong)(last - page));
                TouchBlock(pagemap, memory, address, inBlock, ref counts);
                page += inBlock;
            }
            if (seen >= to)
                break;
        }
    }

    private static void TouchBlock(Pagemap pagemap, RemoteBytes memory, ulong address, int pages, ref Counts counts)
    {
        Span<PagemapEntry> entries = stackalloc PagemapEntry[BlockPages];
        Span<ulong> absent = stackalloc ulong[BlockPages], shared = stackalloc ulong[BlockPages];
        entries = entries[..pages];
        pagemap.Read(address, entries);
        (int absents, int shareds) = Sort(entries, address, absent, shared);
        counts.Pages += pages;
        counts.Already += pages - absents - shareds;

        if (absents > 1)
        {
            memory.WriteZeros(absent[..1]);
            counts.Written++;
            pagemap.Read(address, entries);
            int left = 0;
            foreach (ulong page in absent[1..absents])
            {
                if (entries[(int)((page - address) / Pagemap.PageSize)].Absent)
                    absent[left++] = page;
            }
            counts.ByHugePage += absents - 1 - left;
            absents = left;
        }
        memory.WriteZeros(absent[..absents]);
        memory.WriteBack(shared[..shareds]);
        counts.Written += absents + shareds;

        pagemap.Read(address, entries);
        foreach (PagemapEntry entry in entries)
        {
            // A page of shared memory is no process's own, and present is all it can be.
            if (!entry.Exclusive && !(entry.Present && entry.OfFile))
                counts.Failed++;
        }
    }

    private static (int Absent, int Shared) Sort(ReadOnlySpan<PagemapEntry> entries, ulong address, Span<ulong> absent, Span<ulong> shared)
    {
        int absents = 0, shareds = 0;
        for (int i = 0; i < entries.Length; i++)
        {
            ulong page = address + ((ulong)i * Pagemap.PageSize);
            if (entries[i].Absent)
                absent[absents++] = page;
            else if (!entries[i].Exclusive)
                shared[shareds++] = page;
        }
        return (absents, shareds);
    }
}
