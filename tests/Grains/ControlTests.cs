using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>Pause, unpause and kill take a container's place as a checkpoint does: nothing else works on it meanwhile.</summary>
public sealed class ControlTests(Cluster cluster) : IClassFixture<Cluster>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task a_paused_container_stands_still_and_runs_on_when_it_is_unpaused()
    {
        Story story = cluster.Container("redis");

        await UntilDoneAsync(story, PauseAsync);
        Assert.Equal(CopyState.Frozen, story.CopyIn(story.Source));
        EngineException again = await Assert.ThrowsAsync<EngineException>(() => UntilDoneAsync(story, PauseAsync));
        await UntilDoneAsync(story, UnpauseAsync);
        EngineException late = await Assert.ThrowsAsync<EngineException>(() => UntilDoneAsync(story, UnpauseAsync));

        Assert.Equal((FailureKind.Refused, FailureKind.Refused), (again.Kind, late.Kind));
        Assert.EndsWith("is paused already.", again.Message, StringComparison.Ordinal);
        Assert.EndsWith("is not paused.", late.Message, StringComparison.Ordinal);
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task an_operation_that_is_asked_for_again_after_its_end_is_not_done_again()
    {
        Story story = cluster.Container("redis");
        StepKey key = Key();
        await UntilDoneAsync(story, PauseAsync, key);

        Assert.True((await PauseAsync(story, key)).Finished);

        Assert.Equal(1, cluster.World.Read().Journal.Count(line => line.Contains(key.Job, StringComparison.Ordinal)));
    }

    /// <summary>A signal that is sent twice is two signals.</summary>
    [Fact]
    public async Task an_end_that_another_has_heard_is_told_to_who_asked_and_nothing_is_done_again()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("kill");
        StepKey key = Key();
        Assert.False((await KillAsync(story, key, new Signal(1))).Finished);
        gate.Open();
        while ((await Place(story, story.Source).ClaimAsync("another")).Job != "another") await Task.Delay(20, TestContext.Current.CancellationToken);
        await Place(story, story.Source).ReleaseAsync("another");

        await cluster.RestartAsync("host-a");
        StepAnswer told = await UntilDoneAsync(story, (s, k) => KillAsync(s, k, new Signal(1)), key);

        Assert.Equal("ignores SIGHUP", Assert.Single(told.Report!.Objections!.Value).Reason);
        Assert.Equal(1, cluster.World.Read().Journal.Count(line => line.Contains(key.Job, StringComparison.Ordinal)));
    }

    /// <summary>What a migration froze is its own: an unpause that thawed it would let two copies run.</summary>
    [Fact]
    public async Task while_a_migration_is_at_work_nothing_is_paused_unpaused_or_killed_at_either_end()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("capture");
        await story.StartAsync();
        await gate.Reached;

        foreach (VmId vm in (VmId[])[story.Source, story.Destination])
        {
            IContainerGrain place = Place(story, vm);
            foreach (Func<Task<StepAnswer>> act in (Func<Task<StepAnswer>>[])[
                () => place.PauseAsync(Key(), Actor.Outside, Patience), () => place.UnpauseAsync(Key(), Actor.Outside, Patience), () => place.KillAsync(Key(), Signal.Kill, Actor.Outside, Patience),
                () => place.StopAsync(Key(), new StopOptions(null, null), Patience), async () => { await ExecAsync(story, vm, "echo"); return new StepAnswer(true); }])
            {
                EngineException refusal = await Assert.ThrowsAsync<EngineException>(act);
                Assert.Equal(FailureKind.Refused, refusal.Kind);
                Assert.Contains($"is being moved by job {story.JobId}", refusal.Message, StringComparison.Ordinal);
            }
        }

        gate.Open();
        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Theory]
    [InlineData("pause", "A pause of")]
    [InlineData("kill", "A kill of")]
    [InlineData("stop", "A stop of")]
    public async Task while_an_operation_is_at_work_no_migration_begins(string command, string said)
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold(command);
        StepKey key = Key();
        Func<Story, StepKey, Task<StepAnswer>> act = command switch { "pause" => PauseAsync, "stop" => StopAsync, _ => (s, k) => KillAsync(s, k, new Signal(1)) };
        Assert.False((await act(story, key)).Finished);

        MigrationJob migration = await story.RunAsync();
        gate.Open();
        await UntilDoneAsync(story, act, key);

        Assert.Equal((MigrationState.Refused, FailureKind.Refused), (migration.State, migration.Failure!.Kind));
        Assert.StartsWith($"{said} {story.Name} in {story.Source} is at work since", migration.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_killed_container_is_gone_and_one_that_ignores_the_signal_runs_on()
    {
        Story story = cluster.Container("redis");

        StepAnswer ignored = await UntilDoneAsync(story, (s, key) => KillAsync(s, key, new Signal(1)));
        Assert.Equal("ignores SIGHUP", Assert.Single(ignored.Report!.Objections!.Value).Reason);
        story.AssertRunsOnlyIn(story.Source);
        await UntilDoneAsync(story, (s, key) => KillAsync(s, key, Signal.Kill));

        Assert.Null(story.CopyIn(story.Source));
    }

    [Fact]
    public async Task a_stopped_container_does_not_run_and_to_stop_it_again_is_done()
    {
        Story story = cluster.Container("redis");

        StepAnswer first = await UntilDoneAsync(story, StopAsync);
        StepAnswer again = await UntilDoneAsync(story, StopAsync);

        Assert.Null(first.Report!.Objections);
        Assert.Equal("did not run: it is created", Assert.Single(again.Report!.Objections!.Value).Reason);
        Assert.Equal(CopyState.Created, story.CopyIn(story.Source));
    }

    [Fact]
    public async Task a_command_that_is_too_long_is_refused_before_it_is_begun()
    {
        Story story = cluster.Container("redis");

        await ExecAsync(story, story.Source, "echo");
        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => ExecAsync(story, story.Source, new string('x', ContainerCommand.MaxText + 1)));

        Assert.Equal(FailureKind.Refused, refusal.Kind);
        Assert.Contains("16385 characters", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task an_operation_that_fails_leaves_the_place_free_and_says_why()
    {
        Story story = cluster.Container("redis");
        story.Fail("pause", FailureKind.TimedOut);

        EngineException failure = await Assert.ThrowsAsync<EngineException>(() => UntilDoneAsync(story, PauseAsync));

        Assert.Equal((FailureKind.TimedOut, "pause was made to fail."), (failure.Kind, failure.Message));
        Assert.Equal(MigrationState.Done, (await story.RunAsync()).State);
    }

    [Fact]
    public async Task a_host_that_is_started_again_in_the_middle_is_told_of_and_the_operation_can_be_asked_for_anew()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("pause");
        StepKey key = Key();
        Assert.False((await PauseAsync(story, key)).Finished);
        await gate.Reached;

        await cluster.RestartAsync("host-a");
        EngineException told = await Assert.ThrowsAsync<EngineException>(() => UntilDoneAsync(story, PauseAsync, key));
        await UntilDoneAsync(story, PauseAsync);

        Assert.Equal(FailureKind.Interrupted, told.Kind);
        Assert.Contains($"whether pause was done to {story.Name} in {story.Source} is not known", told.Message, StringComparison.Ordinal);
        Assert.Equal(CopyState.Frozen, story.CopyIn(story.Source));
    }

    private static StepKey Key() => new(JobId.New(), new Epoch(1), "control");

    private IContainerGrain Place(Story story, VmId vm) => cluster.Client.GetContainerGrain(vm, story.Request.Workload);

    private Task<StepAnswer> PauseAsync(Story story, StepKey key) => Place(story, story.Source).PauseAsync(key, Actor.Outside, Patience);

    private Task<StepAnswer> UnpauseAsync(Story story, StepKey key) => Place(story, story.Source).UnpauseAsync(key, Actor.Agent, Patience);

    private Task<StepAnswer> KillAsync(Story story, StepKey key, Signal signal) => Place(story, story.Source).KillAsync(key, signal, Actor.Outside, Patience);

    private Task<StepAnswer> StopAsync(Story story, StepKey key) => Place(story, story.Source).StopAsync(key, new StopOptions(null, null), Patience);

    private Task ExecAsync(Story story, VmId vm, string command) =>
        cluster.Client.GetGrain<IExecGrain>(vm.ToString()).StartAsync(story.Name, Guid.NewGuid(), new ContainerCommand([command], [], null, null, false), TestContext.Current.CancellationToken);

    private static async Task<StepAnswer> UntilDoneAsync(Story story, Func<Story, StepKey, Task<StepAnswer>> act, StepKey? under = null)
    {
        StepKey key = under ?? Key();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                StepAnswer answer = await act(story, key);
                if (answer.Finished) return answer;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or EngineException { Kind: FailureKind.HostLost })
            {
                await Task.Delay(50, limit.Token);
            }

            limit.Token.ThrowIfCancellationRequested();
        }
    }
}
