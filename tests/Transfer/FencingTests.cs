namespace Watari.Transfer.Tests;

public sealed class FencingTests
{
    private static CancellationToken Ending => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_source_with_an_older_epoch_is_refused_and_told_the_newer_one()
    {
        using GuestPages memory = GuestPages.Random(1);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(8));

        TransferException refused = await Hosts.FailureOf(
            new PageSender(Hosts.To(destination.EndPoint, reception, memory.Run(1, 0)) with { Epoch = new Epoch(7) }).SendAsync(Ending));

        Assert.Equal((TransferFailure.StaleEpoch, true), (refused.Failure, refused.ByPeer));
        Assert.Contains("epoch 8", refused.Message, StringComparison.Ordinal);
        Assert.False(reception.Completion.IsCompleted);
    }

    [Fact]
    public async Task A_job_that_nobody_expects_is_refused_as_unknown()
    {
        using GuestPages memory = GuestPages.Random(1);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        PageTransfer transfer = Hosts.To(destination.EndPoint, reception, memory.Run(1, 0));

        TransferException other = await Hosts.FailureOf(new PageSender(transfer with { Job = JobId.New() }).SendAsync(Ending));
        TransferException newer = await Hosts.FailureOf(new PageSender(transfer with { Epoch = new Epoch(2) }).SendAsync(Ending));

        Assert.Equal(TransferFailure.UnknownJob, other.Failure);
        Assert.Equal(TransferFailure.UnknownJob, newer.Failure);
    }

    [Fact]
    public async Task A_newer_epoch_replaces_the_reception_of_the_older_one()
    {
        using GuestPages memory = GuestPages.Random(1);
        using PageReceiver destination = Hosts.Destination();
        using PageReception older = destination.Expect(JobId.New(), new Epoch(1));
        using PageReception newer = destination.Expect(older.Job, new Epoch(2));

        Assert.Equal(TransferFailure.StaleEpoch, (await Hosts.FailureOf(older.Completion)).Failure);
        older.Dispose();
        await new PageSender(Hosts.To(destination.EndPoint, newer, memory.Run(1, 0))).SendAsync(Ending);
        using ReceivedPages received = await newer.Completion;
        Assert.Equal(new PageCount(1), received.Pages.Normal);
    }

    [Fact]
    public void An_epoch_is_expected_once()
    {
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(2));

        Assert.Equal(TransferFailure.StaleEpoch, Assert.Throws<TransferException>(() => destination.Expect(reception.Job, new Epoch(2))).Failure);
        Assert.Equal(TransferFailure.StaleEpoch, Assert.Throws<TransferException>(() => destination.Expect(reception.Job, new Epoch(1))).Failure);
    }

    [Fact]
    public async Task A_transfer_that_was_received_is_not_received_again()
    {
        using GuestPages memory = GuestPages.Random(1);
        using PageReceiver destination = Hosts.Destination();
        using PageReception reception = destination.Expect(JobId.New(), new Epoch(1));
        PageTransfer transfer = Hosts.To(destination.EndPoint, reception, memory.Run(1, 0));
        await new PageSender(transfer).SendAsync(Ending);
        using ReceivedPages received = await reception.Completion;

        TransferException again = await Hosts.FailureOf(new PageSender(transfer with { Pages = new PageRunList(new[] { memory.Run(1, 0) }) }).SendAsync(Ending));

        Assert.Equal(TransferFailure.Closed, again.Failure);
    }
}
