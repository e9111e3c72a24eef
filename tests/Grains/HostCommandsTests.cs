using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Storage;
using Watari.Clustering;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Containers;
using Watari.Grains.Hosts;
using Watari.Grains.Migrations;
using Watari.Grains.Restores;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>
/// The fence of a host: one outcome for a key, nothing of an older epoch, nothing new before the old has ended, and no epoch but the
/// one on disk after the host has forgotten all.
/// </summary>
public sealed class HostCommandsTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly SourceTasks Tasks = new(1_000_000, Freezer.Outside, 64 << 20);
    private static readonly WorkloadId Redis = WorkloadId.OfContainer("redis");
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-host-").FullName;
    private readonly ScriptedWorld _world;
    private readonly ScriptedEngine _engine;
    private readonly IHost _silo;
    private readonly IGrainStorage _storage;
    private readonly GrainState<StoredJob> _stored = new();
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
        var builder = new HostApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.UseOrleans(silo => silo.UseWatariStorage(new ClusteringOptions { Database = Path.Combine(_folder, "cluster.db") }));
        _silo = builder.Build();
        _storage = _silo.Services.GetRequiredKeyedService<IGrainStorage>("Default");
        _commands = Started();
    }

    public async ValueTask InitializeAsync() => await StoreAsync(epoch: 1, MigrationState.PreCopying);

    public ValueTask DisposeAsync()
    {
        _silo.Services.GetRequiredService<Watari.Clustering.Sqlite.ClusterDatabase>().Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }

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
        await StoreAsync(epoch: 2, MigrationState.PreCopying);
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
        await StoreAsync(epoch: 2, MigrationState.PreCopying);

        StepAnswer waiting = await _commands.ExecuteAsync(RollBack(epoch: 2), TimeSpan.FromMilliseconds(50));
        gate.Open();
        StepAnswer thawed = await _commands.ExecuteAsync(RollBack(epoch: 2), Patience);

        Assert.False(waiting.Finished);
        Assert.True(thawed.Finished);
        Assert.Equal(CopyState.Running, _world.Read().Copies.Single().State);
        Assert.Equal(FailureKind.Cancelled, (await Assert.ThrowsAsync<EngineException>(() => freeze)).Kind);
    }

    [Fact]
    public async Task a_roll_back_of_the_same_epoch_waits_for_what_runs_and_nothing_else_follows_it()
    {
        var gate = new Gate();
        _engine.Before = (command, _, _) => command == "freeze" ? gate.PassAsync(CancellationToken.None) : Task.CompletedTask;
        Task<StepAnswer> freeze = _commands.ExecuteAsync(Freeze(epoch: 1), Patience);
        await gate.Reached;

        StepAnswer waiting = await _commands.ExecuteAsync(RollBack(epoch: 1), TimeSpan.FromMilliseconds(50));
        gate.Open();
        StepAnswer thawed = await _commands.ExecuteAsync(RollBack(epoch: 1), Patience);
        EngineException late = await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(Freeze(epoch: 1, step: "freeze.2"), Patience));

        Assert.Equal((false, true, FailureKind.Fenced), (waiting.Finished, thawed.Finished, late.Kind));
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

    /// <summary>A leader of an earlier life that does not know yet that it is over: the new one has thawed the source, and the host was started again since.</summary>
    [Fact]
    public async Task a_host_that_was_started_again_still_refuses_an_older_epoch()
    {
        await StoreAsync(epoch: 2, MigrationState.PreCopying);
        await _commands.ExecuteAsync(RollBack(epoch: 2), Patience);
        HostCommands restarted = Started();

        EngineException late = await Assert.ThrowsAsync<EngineException>(() => restarted.ExecuteAsync(Freeze(epoch: 1), Patience));

        Assert.Equal((FailureKind.Fenced, true), (late.Kind, late.Message.Contains("its job is in epoch 2", StringComparison.Ordinal)));
        Assert.Equal(CopyState.Running, _world.Read().Copies.Single().State);
        Assert.True((await restarted.ExecuteAsync(RollBack(epoch: 2), Patience)).Finished);
    }

    /// <summary>Its container may have been frozen by the next job since: a late roll back would let two copies run.</summary>
    [Theory]
    [InlineData(MigrationState.RolledBack)]
    [InlineData(MigrationState.Done)]
    public async Task nothing_of_a_job_that_has_ended_is_carried_out(MigrationState end)
    {
        _world.Change(state => ScriptedWorld.Put(state.Copies.Single() with { State = CopyState.Frozen, Job = "next" }, state));
        await StoreAsync(epoch: 2, end);

        EngineException late = await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(RollBack(epoch: 2), Patience));

        Assert.Equal((FailureKind.Fenced, true), (late.Kind, late.Message.Contains("its job has ended", StringComparison.Ordinal)));
        Assert.Equal(CopyState.Frozen, _world.Read().Copies.Single().State);
    }

    [Fact]
    public async Task a_job_that_is_not_on_disk_commands_nothing_and_may_ask_what_a_migration_would_meet()
    {
        await _storage.ClearStateAsync("job", GrainId.Create("migration", "job"), _stored);

        EngineException unknown = await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(Freeze(epoch: 1), Patience));

        Assert.Equal(FailureKind.Fenced, unknown.Kind);
        Assert.NotNull((await _commands.ExecuteAsync(new PlanSource(new StepKey("job", new Epoch(1), "plan"), "vm", Redis, Freezer.Outside), Patience)).Plan);
    }

    [Fact]
    public async Task a_checkpoint_commands_by_the_place_that_it_holds()
    {
        var mine = new Checkpoint(new StepKey("mine", new Epoch(1), "checkpoint"), "vm", Redis, new CheckpointOptions(Path.Combine(_folder, "images"), CheckpointForm.Directory, LeaveRunning: true));
        var place = new GrainState<PlaceState>(new PlaceState { Holder = "mine", Epoch = new Epoch(1), Checkpoint = mine });
        await _storage.WriteStateAsync("place", GrainId.Create("container", ContainerGrains.KeyOf(new VmId("a", "vm"), Redis)), place);

        Assert.True((await _commands.ExecuteAsync(mine, Patience)).Finished);
        EngineException other = await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(mine with { Key = mine.Key with { Job = "other" } }, Patience));

        Assert.Equal(FailureKind.Fenced, other.Kind);
    }

    /// <summary>Its host was made newer while it was at work.</summary>
    [Fact]
    public void a_checkpoint_that_version_0_1_has_stored_is_read()
    {
        const string stored =
            """
            {"Holder":"mine","Since":"2026-11-01T00:00:00+00:00","Epoch":{"Value":1},
             "Checkpoint":{"Directory":"/images","LeaveRunning":true,"Key":{"Job":"mine","Epoch":{"Value":1},"Step":"checkpoint"},"Vm":"vm","Workload":{"Container":"redis"}},
             "Tasks":{"StartTime":1000000,"Freezer":"Outside","ResidentBytes":67108864}}
            """;
        var json = new JsonGrainStateSerializer();

        PlaceState place = json.Deserialize<PlaceState>(new BinaryData(stored));
        PlaceState again = json.Deserialize<PlaceState>(json.Serialize(place));

        Assert.Equal((new CheckpointOptions("/images", CheckpointForm.Directory, LeaveRunning: true), Redis), (place.Checkpoint!.Options, place.Checkpoint.Workload));
        Assert.Equal(new Operation(OperationKind.Checkpoint, new StepKey("mine", new Epoch(1), "checkpoint")), place.Operation);
        Assert.Equal(place.Checkpoint, again.Checkpoint);
    }

    [Fact]
    public async Task what_a_restore_will_take_is_promised_to_nobody_else()
    {
        _world.Change(state => state.Vms[0] = state.Vms[0] with { MemoryBytes = ScriptedEngine.ArchiveBytes * 3 / 2 });
        var gate = new Gate();
        _engine.Before = (command, _, cancellationToken) => command == "restore-archive" ? gate.PassAsync(cancellationToken) : Task.CompletedTask;
        Task<StepAnswer> first = _commands.ExecuteAsync(await RestoreAsync("first"), Patience);
        await gate.Reached;

        EngineException refused = await Assert.ThrowsAsync<EngineException>(async () => await _commands.ExecuteAsync(await RestoreAsync("second"), Patience));
        gate.Open();

        Assert.Equal(FailureKind.Refused, refused.Kind);
        Assert.True((await first).Finished);
        Assert.True((await _commands.ExecuteAsync(await RestoreAsync("third"), Patience)).Finished);

        async Task<RestoreArchive> RestoreAsync(string job)
        {
            var command = new RestoreArchive(new StepKey(job, new Epoch(1), "restore-archive"), "vm", WorkloadId.OfContainer(job), new ArchiveRestore("/archive.tar", job));
            await _storage.WriteStateAsync("restore", GrainId.Create("restore", job), new GrainState<RestoreState>(new RestoreState { Vm = new VmId("a", "vm"), Command = command, Epoch = command.Key.Epoch }));
            return command;
        }
    }

    [Fact]
    public async Task a_disk_that_does_not_answer_is_silence_and_not_an_outcome()
    {
        _silo.Services.GetRequiredService<Watari.Clustering.Sqlite.ClusterDatabase>().Dispose();

        EngineException silence = await Assert.ThrowsAsync<EngineException>(() => _commands.ExecuteAsync(Freeze(epoch: 1), Patience));

        Assert.Equal(FailureKind.HostLost, silence.Kind);
        Assert.Null(await _commands.FollowAsync(Freeze(epoch: 1).Key, TimeSpan.Zero));
    }

    [Fact]
    public async Task following_finds_what_was_started_and_starts_nothing()
    {
        Assert.Null(await _commands.FollowAsync(Freeze(epoch: 1).Key, Patience));
        StepAnswer first = await _commands.ExecuteAsync(Freeze(epoch: 1), Patience);

        Assert.Same(first, await _commands.FollowAsync(Freeze(epoch: 1).Key, Patience));
        Assert.Null(await Started().FollowAsync(Freeze(epoch: 1).Key, Patience));
        Assert.Single(_world.Read().Journal);
    }

    /// <summary>What a silo of the host begins with: no memory of any job.</summary>
    private HostCommands Started() => new(_engine, new JobRecords("a", _storage));

    private Task StoreAsync(int epoch, MigrationState state)
    {
        _stored.State = new StoredJob
        {
            Job = new MigrationJob
            {
                Id = "job",
                Request = new MigrationRequest(Redis, new VmId("a", "vm"), new VmId("b", "vm")),
                State = state,
                Epoch = new Epoch(epoch),
                History = [new StateChange(state, DateTimeOffset.UnixEpoch)],
            },
        };
        return _storage.WriteStateAsync("job", GrainId.Create("migration", "job"), _stored);
    }


    private static Freeze Freeze(int epoch, string step = "freeze") => new(new StepKey("job", new Epoch(epoch), step), "vm", Redis, Tasks);

    private static RollBackSource RollBack(int epoch) => new(new StepKey("job", new Epoch(epoch), "roll-back-source"), "vm", Redis, Tasks);
}
