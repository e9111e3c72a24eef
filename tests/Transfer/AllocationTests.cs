namespace Watari.Transfer.Tests;

/// <summary>By itself: it measures what the whole process allocates.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

[Collection(typeof(Alone))]
public sealed class AllocationTests
{
    [Fact]
    public async Task Neither_end_allocates_for_a_page()
    {
        using GuestPages memory = GuestPages.Random(40_000);
        await AllocatedBySending(memory, 1_000);

        long few = await AllocatedBySending(memory, 1_000);
        long many = await AllocatedBySending(memory, 40_000);

        Assert.True(many - few < 39_000, $"39,000 more pages allocated {many - few} bytes more");
    }

    private static async Task<long> AllocatedBySending(GuestPages memory, int pages)
    {
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        AllocationProbe source = new(memory.Run(1, 0, 0, pages));
        long before = GC.GetTotalAllocatedBytes(precise: true);

        await new PageSender(Hosts.To(destination.EndPoint, reception) with { Pages = source, Streams = 1 }).SendAsync(TestContext.Current.CancellationToken);
        using ReceivedPages received = await reception.Completion;

        Assert.Equal(0, source.AllocatedBetweenPages);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    /// <summary>Hands out a page at a time and watches what the sender's thread allocates from the second on.</summary>
    private sealed class AllocationProbe(PageRun run) : IPageSource
    {
        private readonly PageRun[] _pages = [.. Enumerable.Range(0, (int)run.Count.Value).Select(i => run.Skip(i).Take(1))];
        private int _next;
        private long _allocated;

        public PageCount Pages => run.Count;

        public long AllocatedBetweenPages { get; private set; }

        public int Take(Span<PageRun> runs)
        {
            long now = GC.GetAllocatedBytesForCurrentThread();
            if (_next == 1) _allocated = now;
            AllocatedBetweenPages = _next > 1 ? now - _allocated : 0;
            if (_next == _pages.Length) return 0;
            runs[0] = _pages[_next++];
            return 1;
        }
    }
}
