using System.Net;

namespace Watari.Transfer.Tests;

public sealed class PageTransferTests
{
    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Pages_arrive_equal_and_in_their_places_over_any_number_of_streams(int streams)
    {
        using GuestPages memory = GuestPages.Random(3000);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        PageTransfer transfer = Hosts.To(destination.EndPoint, reception,
            memory.Run(space: 7, first: 0x400, from: 0, count: 1000), memory.Run(space: 9, first: 0x7ffff7dd0, from: 1000)) with
        { Streams = streams };

        TransferStatistics sent = await new PageSender(transfer).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        Assert.Equal([new AddressSpaceId(7), new AddressSpaceId(9)], received.Pages.Spaces);
        Assert.True(memory.All[..(1000 * PageCount.Size)].SequenceEqual(ContentsOf(received.Pages, 7, 0x400, 1000)));
        Assert.True(memory.All[(1000 * PageCount.Size)..].SequenceEqual(ContentsOf(received.Pages, 9, 0x7ffff7dd0, 2000)));
        Assert.Equal(new PageCount(3000), sent.Normal);
        Assert.Equal(sent with { Elapsed = default }, received.Statistics with { Elapsed = default });
    }

    [Fact]
    public async Task Pages_scattered_over_memory_are_gathered_from_where_they_lie()
    {
        using GuestPages memory = GuestPages.Random(4096);
        PageRun[] backwards = [.. Enumerable.Range(0, 4096).Select(i => memory.Run(space: 1, first: (ulong)i, from: 4095 - i, count: 1))];
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));

        await new PageSender(Hosts.To(destination.EndPoint, reception, backwards)).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        byte[] contents = ContentsOf(received.Pages, 1, 0, 4096);
        for (int i = 0; i < 4096; i++)
            Assert.True(memory[4095 - i].SequenceEqual(contents.AsSpan(i * PageCount.Size, PageCount.Size)), $"page {i}");
    }

    [Fact]
    public async Task Zero_pages_are_named_and_do_not_travel()
    {
        using GuestPages memory = new(10_000);
        memory[17][4095] = 1;
        memory[9_000][0] = 1;
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));

        TransferStatistics sent = await new PageSender(Hosts.To(destination.EndPoint, reception, memory.Run(space: 1, first: 100))).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        Assert.Equal(new PageCount(2), sent.Normal);
        Assert.Equal(new PageCount(9_998), sent.Duplicate);
        Assert.InRange(sent.Transferred, 2 * PageCount.Size, 3 * PageCount.Size);
        List<(ulong First, long Count, bool Zero)> runs = [];
        foreach (StoredPages run in received.Pages.Runs(new AddressSpaceId(1)))
            runs.Add((run.First.Number, run.Count.Value, run.IsZero));
        Assert.Equal([(100, 17, true), (117, 1, false), (118, 8_982, true), (9_100, 1, false), (9_101, 999, true)], runs);
    }

    [Fact]
    public async Task Metadata_arrives_whole_in_order_and_before_the_reception_ends()
    {
        byte[] large = new byte[3_000_001];
        new Random(5).NextBytes(large);
        MetadataBlob[] images = [new("inventory.img", new byte[] { 1, 2, 3 }), new("mm-1.img", large), new("空.img", default)];
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));

        TransferStatistics sent = await new PageSender(Hosts.To(destination.EndPoint, reception) with { Metadata = images }).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        Assert.Equal(images.Select(b => b.Name), received.Metadata.Select(b => b.Name));
        Assert.All(images.Zip(received.Metadata), pair => Assert.True(pair.First.Content.Span.SequenceEqual(pair.Second.Content.Span)));
        Assert.Equal(3_000_004, sent.Metadata);
        Assert.Empty(received.Pages.Spaces);
    }

    [Fact]
    public async Task The_digest_of_each_address_space_is_the_one_that_its_pages_have_at_the_source()
    {
        using GuestPages memory = GuestPages.Random(600);
        memory[5].Clear();
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));

        await new PageSender(Hosts.To(destination.EndPoint, reception, memory.Run(1, 0, 0, 300), memory.Run(2, 0, 300, 300))).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        PageDigest first = default(PageDigest)
            .WithRun(new AddressSpaceId(1), new VirtualPage(0), memory.All[..(5 * PageCount.Size)])
            .WithRun(new AddressSpaceId(1), new VirtualPage(6), memory.All[(6 * PageCount.Size)..(300 * PageCount.Size)]);
        PageDigest second = default(PageDigest).WithRun(new AddressSpaceId(2), new VirtualPage(0), memory.All[(300 * PageCount.Size)..]);
        Assert.Equal(first, received.Pages.DigestOf(new AddressSpaceId(1)));
        Assert.Equal(second, received.Pages.DigestOf(new AddressSpaceId(2)));
    }

    [Fact]
    public async Task Statistics_count_down_to_nothing_remaining()
    {
        using GuestPages memory = GuestPages.Random(64);
        memory[3].Clear();
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        PageSender sender = new(Hosts.To(destination.EndPoint, reception, memory.Run(1, 0)));
        Assert.Equal(64 * PageCount.Size, sender.Statistics.Remaining);

        await sender.SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        Assert.Equal(64 * PageCount.Size, sender.Statistics.Total);
        Assert.Equal(0, sender.Statistics.Remaining);
        Assert.Equal((new PageCount(63), new PageCount(1)), (sender.Statistics.Normal, sender.Statistics.Duplicate));
        Assert.True(sender.Statistics.Throughput > 0);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(5_000)]
    public async Task Room_that_was_made_ahead_is_filled_whether_it_is_too_small_or_too_large(int room)
    {
        using GuestPages memory = GuestPages.Random(1000);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1), room: new PageCount(room));
        await reception.RoomMade;

        await new PageSender(Hosts.To(destination.EndPoint, reception, memory.Run(1, 0))).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        Assert.True(memory.All.SequenceEqual(ContentsOf(received.Pages, 1, 0, 1000)));
    }

    [Fact]
    public async Task Many_jobs_are_received_side_by_side()
    {
        const int jobs = 24;
        using PageReceiver destination = Hosts.Destination();
        GuestPages[] memories = [.. Enumerable.Range(0, jobs).Select(i => GuestPages.Random(500 + i, seed: i))];
        PageReception[] receptions = [.. Enumerable.Range(0, jobs).Select(i => destination.Expect(JobId.New(), new Epoch(i)))];

        await Task.WhenAll(Enumerable.Range(0, jobs).Select(i =>
            new PageSender(Hosts.To(destination.EndPoint, receptions[i], memories[i].Run(1, 0))).SendAsync(Ending)));

        for (int i = 0; i < jobs; i++)
        {
            using ReceivedPages received = await receptions[i].Completion;
            Assert.True(memories[i].All.SequenceEqual(ContentsOf(received.Pages, 1, 0, memories[i].Count)), $"job {i}");
            receptions[i].Dispose();
            memories[i].Dispose();
        }
    }

    [Fact]
    public async Task A_destination_is_found_by_its_name()
    {
        using GuestPages memory = GuestPages.Random(1);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        DnsEndPoint named = new("localhost", destination.EndPoint.Port, System.Net.Sockets.AddressFamily.InterNetwork);

        await new PageSender(Hosts.To(named, reception, memory.Run(1, 0))).SendAsync(Ending);

        using ReceivedPages received = await reception.Completion;
        Assert.Equal(new PageCount(1), received.Pages.Normal);
    }

    /// <summary>The pages of a range that must be there without a gap.</summary>
    private static byte[] ContentsOf(PageStore store, uint space, ulong first, int pages)
    {
        byte[] contents = new byte[pages * PageCount.Size];
        ulong next = first;
        foreach (StoredPages run in store.Runs(new AddressSpaceId(space)))
        {
            Assert.Equal(next, run.First.Number);
            run.Contents.CopyTo(contents.AsSpan((int)(next - first) * PageCount.Size));
            next += (ulong)run.Count.Value;
        }
        Assert.Equal(first + (ulong)pages, next);
        return contents;
    }
}
