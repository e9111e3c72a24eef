using Watari.GrainInterfaces.Model;
using Watari.Grains.Hosts;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>The fence of a host: one outcome for a key, nothing of an older epoch, nothing new before the old has ended.</summary>
public sealed class HostCommandsTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly WorkloadId Redis = WorkloadId.OfContainer("redis");
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-host-").FullName;
    private readonly ScriptedWorld _world;
    private readonly ScriptedEngine _engine;
    private readonly HostCommands _commands;

    public HostCommandsTests()
    {
        _world = new ScriptedWorld(Path.Combine(_folder, "world.json"));
        _world.Change(state =>
        {
            state.Vms.Add(new ScriptedVm(new VmId("a", "vm")));
            state.Copies.Add(new ScriptedCopy(new VmId("a", "vm"), "redis", CopyState.Running));
        });
        _engine = new ScriptedEngine("a", _world);
        _commands = new HostCommands(_engine);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task a_command_asked_for_again_runs_once()
    {
        StepAnswer first = await _commands.ExecuteAsync(Freeze(epoch: 1), Patience);
        StepAnswer second = await _commands.ExecuteAsync(Freeze(epoch: 1), Patience);

        Assert.Same(first, second);
        Assert.Single(_world.Read().Journal);
    }

    [Fact]
    public async Task a_command_of_an_older_epoch_is_refused_and_does_nothing()
    {
        await _commands.ExecuteAsync(RollBack(epoch: 2), Patience);

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(Freeze(epoch: 1), Patience));

        Assert.Equal(FailureKind.Fenced, refusal.Kind);
        Assert.Equal(CopyState.Running, _world.Read().Copies.Single().State);
    }

    [Fact]
    public async Task a_command_that_still_runs_says_so_and_how_far_it_is()
    {
        var gate = new Gate();
        _engine.Before = (_, _, cancellationToken) => gate.PassAsync(cancellationToken);
        _engine.Progress = new TransferStatistics(100, 40, 3, 2, 60);

        StepAnswer running = await _commands.ExecuteAsync(Freeze(epoch: 1), TimeSpan.FromMilliseconds(10));
        gate.Open();
        StepAnswer done = await _commands.ExecuteAsync(Freeze(epoch: 1), Patience);

        Assert.Equal((false, 60), (running.Finished, running.Progress!.Remaining));
        Assert.True(done.Finished);
    }

    [Fact]
    public async Task a_newer_epoch_waits_until_what_ran_of_the_older_has_ended()
    {
        // An engine that does not heed its cancellation: its freeze takes effect, however late.
        var gate = new Gate();
        _engine.Before = (command, _, _) => command == "freeze" ? gate.PassAsync(CancellationToken.None) : Task.CompletedTask;
        Task<StepAnswer> freeze = _commands.ExecuteAsync(Freeze(epoch: 1), Patience);
        await gate.Reached;

        StepAnswer waiting = await _commands.ExecuteAsync(RollBack(epoch: 2), TimeSpan.FromMilliseconds(50));
        gate.Open();
        StepAnswer thawed = await _commands.ExecuteAsync(RollBack(epoch: 2), Patience);

        Assert.False(waiting.Finished);
        Assert.True(thawed.Finished);
        Assert.Equal(CopyState.Running, _world.Read().Copies.Single().State);
        Assert.Equal(FailureKind.Cancelled, (await Assert.ThrowsAsync<EngineException>(() => freeze)).Kind);
    }

    [Fact]
    public async Task a_failure_is_remembered_under_its_key_and_not_under_another()
    {
        int calls = 0;
        _engine.Before = (_, _, _) => ++calls == 1 ? throw new EngineException(FailureKind.TimedOut, "too late") : Task.CompletedTask;

        await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(Freeze(epoch: 1), Patience));
        await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(Freeze(epoch: 1), Patience));
        Assert.True((await _commands.ExecuteAsync(Freeze(epoch: 1, step: "freeze.2"), Patience)).Finished);

        Assert.Equal(2, calls);
    }

    private static readonly SourceTasks s_tasks = new(1, Freezer.Outside, 0);

    private static Freeze Freeze(int epoch, string step = "freeze") => new(new StepKey("job", new Epoch(epoch), step), "vm", Redis, s_tasks);

    private static RollBackSource RollBack(int epoch) => new(new StepKey("job", new Epoch(epoch), "roll-back-source"), "vm", Redis, s_tasks);
}
