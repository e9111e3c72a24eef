using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>One job at a time works on a container, whoever of its keepers dies meanwhile.</summary>
public sealed class ContainerTests(Cluster cluster) : IClassFixture<Cluster>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-images-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task while_a_checkpoint_is_made_neither_another_nor_a_migration_begins()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("save");
        StepKey first = Key();
        Assert.False((await SaveAsync(story, first)).Finished);

        EngineException second = await Assert.ThrowsAsync<EngineException>(() => SaveAsync(story, Key()));
        MigrationJob migration = await story.RunAsync();
        gate.Open();
        await UntilSavedAsync(story, first);

        Assert.Equal(FailureKind.Refused, second.Kind);
        Assert.Matches($@"^A checkpoint of {story.Name} in {story.Source} is at work since \d\d:\d\d:\d\d UTC; wait for it\.$", second.Message);
        Assert.Equal((MigrationState.Refused, FailureKind.Refused), (migration.State, migration.Failure!.Kind));
        Assert.Matches($@"^A checkpoint of {story.Name} in {story.Source} is at work since", migration.Failure.Message);
        story.AssertRunsOnlyIn(story.Source);
        await UntilSavedAsync(story, Key());
    }

    [Fact]
    public async Task while_a_migration_is_at_work_no_checkpoint_begins_at_either_end()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("capture");
        await story.StartAsync();
        await gate.Reached;

        EngineException source = await Assert.ThrowsAsync<EngineException>(() => SaveAsync(story, Key()));
        EngineException destination = await Assert.ThrowsAsync<EngineException>(() => Place(story, story.Destination).CheckpointAsync(Key(), Saved, Patience));
        gate.Open();

        Assert.Contains($"is being moved by job {story.JobId}; wait for it, or cancel it with 'watari jobs cancel {story.JobId}'", source.Message, StringComparison.Ordinal);
        Assert.Contains($"is being moved by job {story.JobId}", destination.Message, StringComparison.Ordinal);
        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
    }

    [Fact]
    public async Task a_checkpoint_that_is_asked_for_again_after_its_end_is_not_made_again()
    {
        Story story = cluster.Container("redis");
        StepKey key = Key();
        await UntilSavedAsync(story, key);

        Assert.True((await SaveAsync(story, key)).Finished);

        Assert.Equal(2, cluster.World.Read().Journal.Count(line => line.Contains(key.Job, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task what_cannot_be_saved_is_refused_before_anything_is_frozen()
    {
        Story story = cluster.Container("packet");

        StepKey key = Key();
        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => SaveAsync(story, key));

        Assert.Equal((FailureKind.Refused, $"{story.Name} holds what cannot be carried: pid 7 fd 12 packet socket: packet sockets are not carried. {story.Name} runs on in {story.Source}."), (refusal.Kind, refusal.Message));
        Assert.DoesNotContain(cluster.World.Read().Journal, line => line.Contains(key.Job, StringComparison.Ordinal));
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task a_checkpoint_that_fails_leaves_the_place_free_and_says_why()
    {
        Story story = cluster.Container("redis");
        story.Fail("checkpoint", FailureKind.VmLost);

        EngineException failure = await Assert.ThrowsAsync<EngineException>(() => UntilSavedAsync(story, Key()));

        Assert.Equal("checkpoint was made to fail.", failure.Message);
        await UntilSavedAsync(story, Key());
    }

    [Fact]
    public async Task a_checkpoint_that_may_have_left_the_container_frozen_is_undone_before_anybody_else_gets_the_place()
    {
        Story story = cluster.Container("redis");
        story.Fail("save", FailureKind.TimedOut);

        EngineException failure = await Assert.ThrowsAsync<EngineException>(() => UntilSavedAsync(story, Key()));

        Assert.Equal("save was made to fail.", failure.Message);
        story.AssertRunsOnlyIn(story.Source);
        await UntilSavedAsync(story, Key());
    }

    /// <summary>The job is done, and died before it could give its places up.</summary>
    [Fact]
    public async Task a_place_whose_migration_has_ended_is_free()
    {
        Story story = cluster.Container("redis");
        cluster.Faults.Arm(FaultPoints.After($"write.{MigrationState.Done}"), _ => throw new OperationCanceledException("The leader dies here."));
        await story.RunAsync();
        var back = new Story(cluster, story.Name, story.Destination, story.Source);

        Assert.Equal(MigrationState.Done, (await back.RunAsync()).State);
        back.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task the_keeper_of_the_place_dies_and_the_place_is_still_taken()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("save");
        StepKey first = Key();
        Assert.False((await SaveAsync(story, first)).Finished);

        await cluster.Silos.DeactivateAsync(Place(story, story.Source));
        EngineException second = await Assert.ThrowsAsync<EngineException>(() => SaveAsync(story, Key()));
        gate.Open();
        await UntilSavedAsync(story, first);

        Assert.Equal(FailureKind.Refused, second.Kind);
        Assert.True(File.Exists(Path.Combine(_folder, "inventory.img")));
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task a_checkpoint_that_ended_while_nobody_asked_gives_its_place_to_a_migration()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("save");
        Assert.False((await SaveAsync(story, Key())).Finished);
        await cluster.Silos.DeactivateAsync(Place(story, story.Source));
        gate.Open();
        await UntilSavedInWorldAsync();

        Assert.Equal(MigrationState.Done, (await story.RunAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Fact]
    public async Task a_host_that_is_started_again_in_the_middle_of_a_checkpoint_thaws_the_container_and_whoever_asks_is_told()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("save");
        StepKey key = Key();
        Assert.False((await SaveAsync(story, key)).Finished);
        await gate.Reached;
        Assert.Equal(CopyState.Frozen, story.CopyIn(story.Source));

        await cluster.RestartAsync("host-a");
        EngineException told = await Assert.ThrowsAsync<EngineException>(() => UntilSavedAsync(story, key));

        Assert.Equal(FailureKind.Interrupted, told.Kind);
        Assert.Equal(
            $"The silo of host 'host-a' stopped while a checkpoint of {story.Name} in {story.Source} was being made: what was written of it, if it has no name yet, is in {_folder}.partial-{key.Job} and of no use. {story.Name} runs on there.",
            told.Message);
        story.AssertRunsOnlyIn(story.Source);
        Assert.Equal(MigrationState.Done, (await story.RunAsync()).State);
    }

    private static StepKey Key() => new(JobId.New(), new Epoch(1), "checkpoint");

    private IContainerGrain Place(Story story, VmId vm) => cluster.Client.GetContainerGrain(vm, story.Request.Workload);

    private Task<StepAnswer> SaveAsync(Story story, StepKey key) => Place(story, story.Source).CheckpointAsync(key, Saved, Patience);

    private CheckpointOptions Saved => new(_folder, CheckpointForm.Directory, LeaveRunning: true);

    private async Task UntilSavedAsync(Story story, StepKey key)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                if ((await SaveAsync(story, key)).Finished) return;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or EngineException { Kind: FailureKind.HostLost })
            {
                await Task.Delay(50, limit.Token);
            }

            limit.Token.ThrowIfCancellationRequested();
        }
    }

    private async Task UntilSavedInWorldAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!File.Exists(Path.Combine(_folder, "inventory.img"))) await Task.Delay(20, limit.Token);
    }
}
