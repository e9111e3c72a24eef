using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine;

namespace Watari.Silo.Tests.Engine;

public sealed class StepLedgerTests
{
    private readonly HandSetTime _time = new();

    [Fact]
    public async Task A_step_asked_for_again_answers_with_its_first_outcome()
    {
        var ledger = new StepLedger(_time);
        int runs = 0;
        Task<int> Run() => Task.FromResult(++runs);

        Assert.Equal(1, await ledger.OnceAsync(Key(1, "freeze"), Run));
        Assert.Equal(1, await ledger.OnceAsync(Key(1, "freeze"), Run));
        Assert.Equal(2, await ledger.OnceAsync(Key(1, "capture"), Run));
        Assert.Equal(3, await ledger.OnceAsync(Key(2, "freeze"), Run));
    }

    [Fact]
    public async Task A_step_that_failed_fails_again_in_its_epoch_and_runs_again_in_a_newer_one()
    {
        var ledger = new StepLedger(_time);
        int runs = 0;
        Task<int> Run() => ++runs == 1 ? Task.FromException<int>(new EngineException(FailureKind.VmLost, "once")) : Task.FromResult(runs);

        await Assert.ThrowsAsync<EngineException>(() => ledger.OnceAsync(Key(1), Run));
        await Assert.ThrowsAsync<EngineException>(() => ledger.OnceAsync(Key(1), Run));
        Assert.Equal(2, await ledger.OnceAsync(Key(2), Run));
    }

    [Fact]
    public async Task An_older_epoch_is_refused_however_long_the_job_has_been_at_rest()
    {
        var ledger = new StepLedger(_time);
        await ledger.OnceAsync(Key(2), Done);

        await AssertFencedAsync(ledger, Key(1));
        _time.Advance(StepLedger.OutcomesKept * 100);
        await ledger.OnceAsync(new StepKey("another", new Epoch(1), "freeze"), Done);

        await AssertFencedAsync(ledger, Key(1));
    }

    [Fact]
    public async Task Outcomes_are_forgotten_after_an_hour_without_a_command_and_a_running_step_never()
    {
        var ledger = new StepLedger(_time);
        var running = new TaskCompletionSource<int>();
        await ledger.OnceAsync(new StepKey("rests", new Epoch(1), "freeze"), Done);
        Task<int> step = ledger.OnceAsync(new StepKey("runs", new Epoch(1), "capture"), () => running.Task);
        Assert.Equal((2, 2), ledger.Size);

        _time.Advance(StepLedger.OutcomesKept + TimeSpan.FromSeconds(1));
        await ledger.OnceAsync(new StepKey("new", new Epoch(1), "freeze"), Done);

        Assert.Equal((3, 2), ledger.Size);
        Assert.Same(step, ledger.OnceAsync(new StepKey("runs", new Epoch(1), "capture"), Done));
    }

    [Fact]
    public async Task It_holds_no_more_jobs_than_it_may_and_the_newest_of_them()
    {
        var ledger = new StepLedger(_time, maxJobs: 10);
        for (int i = 0; i < 100; i++)
        {
            await ledger.OnceAsync(new StepKey($"job-{i}", new Epoch(2), "freeze"), Done);
            _time.Advance(StepLedger.OutcomesKept + TimeSpan.FromSeconds(1));
            Assert.InRange(ledger.Size.Jobs, 1, 10);
        }

        for (int i = 92; i < 100; i++) await AssertFencedAsync(ledger, new StepKey($"job-{i}", new Epoch(1), "freeze"));
    }

    private static Task<int> Done() => Task.FromResult(0);

    private static StepKey Key(int epoch, string step = "freeze") => new("k7m2q4xw", new Epoch(epoch), step);

    private static async Task AssertFencedAsync(StepLedger ledger, StepKey key)
    {
        EngineException refused = await Assert.ThrowsAsync<EngineException>(() => ledger.OnceAsync(key, Done));
        Assert.Equal(FailureKind.Fenced, refused.Kind);
    }
}
