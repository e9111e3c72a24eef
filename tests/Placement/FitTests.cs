namespace Watari.Placement.Tests;

public sealed class FitTests
{
    private static readonly Offer Good = new(IsRunning: true, "Running", HasAgent: true, MemoryBytes: 1L << 30);

    [Fact]
    public void a_vm_that_offers_enough_has_nothing_against_it() => Assert.Empty(Fit.Objections(new Demand(1L << 30), Good));

    [Fact]
    public void a_vm_that_does_not_run_is_told_that_alone() =>
        Assert.Equal(["it is paused, not running: start it or let it go on, or choose another VM"], Fit.Objections(new Demand(2L << 30), new Offer(false, "Paused", HasAgent: false, 0)));

    [Fact]
    public void every_objection_is_named_with_what_to_do() => Assert.Equal(
        ["no guest agent answers in it: install and start watari-agent there", "it has 1024 MiB of memory, the container brings 2048 MiB"],
        Fit.Objections(new Demand(2L << 30), Good with { HasAgent = false }));

    [Fact]
    public void memory_that_is_promised_to_others_is_not_offered_again()
    {
        Offer shared = Good with { ReservedBytes = 600L << 20 };

        Assert.Empty(Fit.Objections(new Demand(424L << 20), shared));
        Assert.Equal(
            ["of its 1024 MiB of memory 600 MiB are promised to containers on their way into it, this one brings 425 MiB"],
            Fit.Objections(new Demand(425L << 20), shared));
    }
}
