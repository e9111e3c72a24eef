using System.Net;
using System.Net.Sockets;

namespace Watari.Transfer.Tests;

public sealed class FaultTests
{
    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_connection_cut_in_the_middle_fails_both_ends_as_vanished()
    {
        using GuestPages memory = GuestPages.Random(8_000);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        using TamperingProxy network = new(destination.EndPoint, TamperingProxy.Fault.Cut, after: 10 << 20);

        TransferException sending = await Hosts.FailureOf(new PageSender(Hosts.To(network.EndPoint, reception, memory.Run(1, 0))).SendAsync(Ending));

        Assert.Equal(TransferFailure.PeerVanished, sending.Failure);
        Assert.Equal(TransferFailure.PeerVanished, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    [Theory]
    [InlineData(200)]           // a blob
    [InlineData(2_000)]         // the table of a batch, or the first pages
    [InlineData(3_000_000)]     // pages
    public async Task A_changed_bit_fails_both_ends(long at)
    {
        using GuestPages memory = GuestPages.Random(4_000);
        using PageReceiver destination = Hosts.Destination(Hosts.Impatient);
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        using TamperingProxy network = new(destination.EndPoint, TamperingProxy.Fault.Flip, at);
        PageTransfer transfer = Hosts.To(network.EndPoint, reception, memory.Run(1, 0)) with { Streams = 1, Metadata = [new MetadataBlob("core-1.img", new byte[1_000])] };

        TransferException sending = await Hosts.FailureOf(new PageSender(transfer).SendAsync(Ending));

        Assert.Equal(TransferFailure.HashMismatch, (await Hosts.FailureOf(reception.Completion)).Failure);
        Assert.Equal((TransferFailure.HashMismatch, true), (sending.Failure, sending.ByPeer));
    }

    [Fact]
    public async Task A_stalled_network_hits_the_deadline_at_both_ends()
    {
        using GuestPages memory = GuestPages.Random(16_000);
        using PageReceiver destination = Hosts.Destination(Hosts.Impatient);
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        using TamperingProxy network = new(destination.EndPoint, TamperingProxy.Fault.Stall, after: 5 << 20);
        PageTransfer transfer = Hosts.To(network.EndPoint, reception, memory.Run(1, 0)) with { Limits = Hosts.Impatient };

        TransferException sending = await Hosts.FailureOf(new PageSender(transfer).SendAsync(Ending));

        // The destination may be the first to notice, and hangs up on the source.
        Assert.Contains(sending.Failure, new[] { TransferFailure.TimedOut, TransferFailure.PeerVanished });
        Assert.Equal(TransferFailure.TimedOut, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    [Fact]
    public async Task A_paused_destination_that_accepts_and_never_answers_hits_the_deadline_of_the_source()
    {
        using GuestPages memory = GuestPages.Random(1);
        using Socket paused = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        paused.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        paused.Listen();
        PageTransfer transfer = new()
        {
            Destination = paused.LocalEndPoint!,
            Job = JobId.New(),
            Epoch = new Epoch(1),
            Pages = new PageRunList(new[] { memory.Run(1, 0) }),
            Limits = Hosts.Impatient,
        };

        Assert.Equal(TransferFailure.TimedOut, (await Hosts.FailureOf(new PageSender(transfer).SendAsync(Ending))).Failure);
    }

    [Fact]
    public async Task A_destination_that_is_not_there_fails_as_vanished()
    {
        using GuestPages memory = GuestPages.Random(1);
        PageReceiver gone = Hosts.Destination();
        PageReception reception = gone.Expect(JobId.New(), new Epoch(1));
        gone.Dispose();

        TransferException failure = await Hosts.FailureOf(new PageSender(Hosts.To(gone.EndPoint, reception, memory.Run(1, 0))).SendAsync(Ending));

        Assert.Equal(TransferFailure.PeerVanished, failure.Failure);
        Assert.Equal(TransferFailure.Cancelled, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    [Fact]
    public async Task A_source_that_never_comes_hits_the_deadline_of_the_reception()
    {
        using PageReceiver destination = Hosts.Destination(Hosts.Impatient);
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));

        Assert.Equal(TransferFailure.TimedOut, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    [Fact]
    public async Task A_reception_that_is_cancelled_tells_the_source_why()
    {
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        using EndlessSource endless = new();
        Task<TransferStatistics> sending = new PageSender(Hosts.To(destination.EndPoint, reception) with { Pages = endless }).SendAsync(Ending);
        await endless.UnderWay.WaitAsync(Ending);

        reception.Cancel();

        TransferException failure = await Hosts.FailureOf(sending);
        Assert.Equal((TransferFailure.Cancelled, true), (failure.Failure, failure.ByPeer));
        Assert.Equal(TransferFailure.Cancelled, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    [Fact]
    public async Task A_sender_that_is_cancelled_ends_at_once_and_the_reception_sees_it_vanish()
    {
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        using EndlessSource endless = new();
        using CancellationTokenSource cancelling = new();
        Task<TransferStatistics> sending = new PageSender(Hosts.To(destination.EndPoint, reception) with { Pages = endless }).SendAsync(cancelling.Token);
        await endless.UnderWay.WaitAsync(Ending);

        await cancelling.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(TransferFailure.PeerVanished, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    [Fact]
    public async Task A_page_source_that_throws_fails_the_transfer_and_not_the_process()
    {
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        PageTransfer transfer = Hosts.To(destination.EndPoint, reception) with { Pages = new BrokenSource() };

        TransferException failure = await Hosts.FailureOf(new PageSender(transfer).SendAsync(Ending));

        Assert.IsType<InvalidDataException>(failure.InnerException);
        Assert.Equal(TransferFailure.PeerVanished, (await Hosts.FailureOf(reception.Completion)).Failure);
    }

    private sealed class BrokenSource : IPageSource
    {
        public PageCount Pages => new(10);

        public int Take(Span<PageRun> runs) => throw new InvalidDataException("the guest has gone");
    }

    /// <summary>The same pages again and again under new numbers.</summary>
    private sealed class EndlessSource : IPageSource, IDisposable
    {
        private readonly GuestPages _memory = GuestPages.Random(256);
        private readonly TaskCompletionSource _underWay = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ulong _next;

        public Task UnderWay => _underWay.Task;

        public PageCount Pages => TransferLimits.Default.MaxPages;

        public int Take(Span<PageRun> runs)
        {
            if (_next > 4096) _underWay.TrySetResult();
            runs[0] = _memory.Run(1, _next);
            // The store would fill this machine: every page after the first thousands is zero.
            if (_next == 8192) _memory.All.Clear();
            _next += 256;
            return 1;
        }

        public void Dispose() => _memory.Dispose();
    }
}
