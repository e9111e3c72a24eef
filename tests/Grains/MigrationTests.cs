using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>What a migration does when all goes well, and when something does not.</summary>
public sealed class MigrationTests(Cluster cluster) : IClassFixture<Cluster>
{
    [Fact]
    public async Task a_migration_moves_the_container_and_keeps_its_time_line()
    {
        Story story = cluster.Container("redis");

        MigrationJob job = await story.RunAsync();

        story.AssertRunsOnlyIn(story.Destination);
        Assert.Equal(MigrationState.Done, job.State);
        Assert.Equal(
            [
                MigrationState.Planned, MigrationState.Preparing, MigrationState.PreCopying, MigrationState.Frozen, MigrationState.Captured,
                MigrationState.Restoring, MigrationState.Ready, MigrationState.Committed, MigrationState.Done,
            ],
            job.History.Select(h => h.State));
        Assert.Equal(["freeze", "capture", "skeleton", "memwrite", "thaw"], job.Phases.Select(p => p.Name));
        Assert.Equal(25 << 20, job.Transfer!.Transferred);
        Assert.NotNull(job.Downtime);
        Assert.True(job.Downtime.Milliseconds >= job.Downtime.Parts.Where(p => p.Name != "control").Max(p => p.Milliseconds));
        Assert.Equal($"runs in {story.Destination}", job.Whereabouts);
        Assert.Null(job.Failure);
    }

    [Fact]
    public async Task volumes_go_ahead_of_the_container_and_what_has_changed_since_within()
    {
        Story story = cluster.Container("books");

        MigrationJob job = await story.RunAsync();

        story.AssertRunsOnlyIn(story.Destination);
        Assert.Equal(["read-volumes", "send-volumes", "fill-volumes", "freeze", "capture", "skeleton", "memwrite", "thaw"], job.Phases.Select(p => p.Name));
        Assert.Equal("freeze", job.Downtime!.Parts[0].Name);
        Assert.Equal(new VolumeStatistics(1 << 20, 64 << 10), job.Volumes);
        Assert.True(job.FreezeAsked >= job.Phases[2].Start);
    }

    [Fact]
    public async Task volumes_go_with_the_container_where_the_destination_takes_none_ahead()
    {
        Story story = cluster.Container("books");
        ScriptedEngine there = cluster.Engines[story.Destination.Host];
        there.TakesVolumes = false;

        MigrationJob job = await story.RunAsync();

        there.TakesVolumes = true;
        story.AssertRunsOnlyIn(story.Destination);
        Assert.Equal("freeze", job.Phases[0].Name);
        Assert.Null(job.Volumes);
    }

    [Theory]
    [InlineData("copy-volumes", FailureKind.SaveFailed)]
    [InlineData("fill-volumes", FailureKind.RestoreFailed)]
    public async Task volumes_that_do_not_come_to_the_destination_leave_the_source_running(string step, FailureKind kind)
    {
        Story story = cluster.Container("books");
        story.Fail(step, kind);

        MigrationJob job = await story.RunAsync();

        story.AssertRunsOnlyIn(story.Source);
        Assert.Equal((MigrationState.RolledBack, kind, MigrationState.PreCopying), (job.State, job.Failure!.Kind, job.Failure.During));
        Assert.Null(job.FreezeAsked);
        await AssertNothingIsClaimed(story);
    }

    [Fact]
    public async Task what_is_left_at_the_source_is_kept_in_the_job()
    {
        Story story = cluster.Container("redis");
        await story.Job.StartAsync(story.Request with { KeepSource = true });

        MigrationJob job = await story.EndAsync();

        Assert.Equal((MigrationState.Done, $"container {story.Request.Workload}, as --keep-source asks"), (job.State, job.Left));
    }

    [Theory]
    [InlineData("plan", FailureKind.VmLost, MigrationState.Refused)]
    [InlineData("check", FailureKind.Refused, MigrationState.Refused)]
    [InlineData("prepare", FailureKind.RestoreFailed, MigrationState.RolledBack)]
    [InlineData("freeze", FailureKind.TimedOut, MigrationState.RolledBack)]
    [InlineData("capture", FailureKind.TransferFailed, MigrationState.RolledBack)]
    [InlineData("restore", FailureKind.RestoreFailed, MigrationState.RolledBack)]
    public async Task a_failure_before_the_commit_leaves_the_source_running(string step, FailureKind kind, MigrationState end)
    {
        Story story = cluster.Container("redis");
        story.Fail(step, kind);

        MigrationJob job = await story.RunAsync();

        story.AssertRunsOnlyIn(story.Source);
        Assert.Equal(end, job.State);
        Assert.Equal((kind, $"{step} was made to fail."), (job.Failure!.Kind, job.Failure.Message));
        Assert.StartsWith($"runs on in {story.Source}", job.Whereabouts, StringComparison.Ordinal);
        await AssertNothingIsClaimed(story);
    }

    [Theory]
    [InlineData("thaw", FailureKind.RestoreFailed)]
    [InlineData("thaw", FailureKind.TimedOut)]
    [InlineData("retire", FailureKind.VmLost)]
    [InlineData("retire", FailureKind.Internal)]
    public async Task a_failure_after_the_commit_goes_forward(string step, FailureKind kind)
    {
        Story story = cluster.Container("redis");
        story.Fail(step, kind, times: 3);

        MigrationJob job = await story.RunAsync();

        story.AssertRunsOnlyIn(story.Destination);
        Assert.Equal(MigrationState.Done, job.State);
        Assert.Null(job.Failure);
    }

    [Theory]
    [InlineData("roll-back-source")]
    [InlineData("roll-back-destination")]
    public async Task a_roll_back_is_tried_until_it_succeeds(string step)
    {
        Story story = cluster.Container("redis");
        story.Fail("restore", FailureKind.RestoreFailed);
        story.Fail(step, FailureKind.VmLost, times: 4);

        MigrationJob job = await story.RunAsync();

        story.AssertRunsOnlyIn(story.Source);
        Assert.Equal(MigrationState.RolledBack, job.State);
    }

    [Theory]
    [InlineData("plan")]
    [InlineData("check")]
    [InlineData("prepare")]
    [InlineData("freeze")]
    [InlineData("capture")]
    [InlineData("restore")]
    public async Task cancelled_before_the_commit_it_rolls_back(string step)
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold(step);
        await story.StartAsync();
        await gate.Reached;

        MigrationJob cancelled = await story.Job.CancelAsync();
        MigrationJob job = await story.EndAsync();

        Assert.Equal(FailureKind.Cancelled, cancelled.Failure!.Kind);
        Assert.Equal(MigrationState.RolledBack, job.State);
        story.AssertRunsOnlyIn(story.Source);
        Assert.Equal(job.Failure, (await story.Job.CancelAsync()).Failure);
    }

    [Theory]
    [InlineData("thaw")]
    [InlineData("retire")]
    public async Task after_the_commit_a_cancellation_is_refused(string step)
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold(step);
        await story.StartAsync();
        await gate.Reached;

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(story.Job.CancelAsync);
        gate.Open();

        Assert.Equal(FailureKind.Refused, refusal.Kind);
        Assert.Contains(story.Destination.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Theory]
    [InlineData("plan", 0.1, MigrationState.Refused)]
    [InlineData("restore", 8, MigrationState.RolledBack)]
    public async Task a_migration_that_takes_longer_than_it_may_turns_back(string step, double seconds, MigrationState end)
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold(step);
        await story.Job.StartAsync(story.Request with { Timeout = TimeSpan.FromSeconds(seconds) });

        MigrationJob job = await story.EndAsync();

        Assert.False(gate.IsOpen);
        Assert.Equal((end, FailureKind.TimedOut), (job.State, job.Failure!.Kind));
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task once_it_is_committed_the_time_it_may_take_is_over()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("thaw");
        await story.Job.StartAsync(story.Request with { Timeout = TimeSpan.FromSeconds(5) });
        await gate.Reached;
        await story.UntilAsync(job => TimeProvider.System.GetUtcNow() - job.Created > TimeSpan.FromSeconds(5.5));
        gate.Open();

        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Fact]
    public async Task what_cannot_be_carried_is_refused_with_the_object_and_the_reason()
    {
        Story story = cluster.Container("packet");

        MigrationJob job = await story.RunAsync();

        Assert.Equal((MigrationState.Refused, FailureKind.Refused), (job.State, job.Failure!.Kind));
        Assert.Contains("pid 7 fd 12 packet socket: packet sockets are not carried", job.Failure.Message, StringComparison.Ordinal);
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task a_destination_that_cannot_take_it_is_refused_with_each_reason()
    {
        Story story = cluster.Container("redis");
        ChangeVm(story.Destination, vm => vm with { HasAgent = false, MemoryBytes = 32 << 20 });

        MigrationJob job = await story.RunAsync();

        Assert.Equal(MigrationState.Refused, job.State);
        Assert.Contains("no guest agent answers in it", job.Failure!.Message, StringComparison.Ordinal);
        Assert.Contains("it has 32 MiB of memory, the container brings 64 MiB", job.Failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2, MigrationState.Done)]
    [InlineData(100, MigrationState.Refused)]
    public async Task an_agent_that_answers_late_is_asked_for_again_a_few_times(int lists, MigrationState end)
    {
        Story story = cluster.Container("redis");
        ChangeVm(story.Destination, vm => vm with { LateLists = lists });

        MigrationJob job = await story.RunAsync();

        Assert.Equal(end, job.State);
    }

    [Fact]
    public async Task a_plan_touches_nothing_and_says_what_would_be_refused()
    {
        Story carried = cluster.Container("redis");
        Story refused = cluster.Container("packet");

        MigrationPlan plan = await carried.Job.PlanAsync(carried.Request);
        MigrationPlan refusal = await refused.Job.PlanAsync(refused.Request);

        Assert.Null(plan.Refusal);
        Assert.Equal(42, plan.Source.CarriedObjects);
        Assert.Contains("packet sockets are not carried", refusal.Refusal, StringComparison.Ordinal);
        Assert.Null(await carried.Job.GetAsync());
        carried.AssertRunsOnlyIn(carried.Source);
        await AssertNothingIsClaimed(carried);
    }

    [Fact]
    public async Task one_job_at_a_time_moves_a_container()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("capture");
        await story.StartAsync();
        await gate.Reached;
        IMigrationGrain second = cluster.Client.GetGrain<IMigrationGrain>(JobId.New());
        await second.StartAsync(story.Request);

        MigrationJob? refused = await EndOf(second);
        gate.Open();

        Assert.Equal((MigrationState.Refused, FailureKind.Refused), (refused.State, refused.Failure!.Kind));
        Assert.Contains($"Job {story.JobId} is at work", refused.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Fact]
    public async Task memory_that_a_job_on_its_way_into_a_vm_needs_is_not_promised_to_another()
    {
        Story first = cluster.Container("redis");
        Story second = cluster.Container("redis");
        ChangeVm(first.Destination, vm => vm with { MemoryBytes = 100 << 20 });
        Gate gate = first.Hold("restore");
        await first.StartAsync();
        await gate.Reached;
        IMigrationGrain job = cluster.Client.GetGrain<IMigrationGrain>(second.JobId);

        await job.StartAsync(second.Request with { Destination = first.Destination });
        MigrationJob refused = await second.EndAsync();
        gate.Open();
        MigrationJob done = await first.EndAsync();
        IMigrationGrain again = cluster.Client.GetGrain<IMigrationGrain>(JobId.New());
        await again.StartAsync(second.Request with { Destination = first.Destination });

        Assert.Equal((MigrationState.Refused, FailureKind.Refused), (refused.State, refused.Failure!.Kind));
        Assert.Contains("of its 100 MiB of memory 64 MiB are promised to containers on their way into it, this one brings 64 MiB", refused.Failure.Message, StringComparison.Ordinal);
        Assert.Equal(MigrationState.Done, done.State);
        Assert.Equal(MigrationState.Done, (await EndOf(again)).State);
    }

    /// <summary>Both have asked before either was promised anything.</summary>
    [Fact]
    public async Task of_two_jobs_that_both_find_room_for_one_the_second_turns_back()
    {
        Story first = cluster.Container("redis");
        Story second = cluster.Container("redis");
        ChangeVm(first.Destination, vm => vm with { MemoryBytes = 100 << 20 });
        Gate one = first.Hold("check");
        Gate other = second.Hold("check");
        Gate restoring = first.Hold("restore");
        Gate alsoRestoring = second.Hold("restore");
        await first.StartAsync();
        await cluster.Client.GetGrain<IMigrationGrain>(second.JobId).StartAsync(second.Request with { Destination = first.Destination });
        await Task.WhenAll(one.Reached, other.Reached);

        one.Open();
        other.Open();
        await Task.WhenAny(restoring.Reached, alsoRestoring.Reached);
        Task<MigrationJob>[] ends = [first.EndAsync(), second.EndAsync()];
        MigrationJob back = await await Task.WhenAny(ends);
        restoring.Open();
        alsoRestoring.Open();
        MigrationJob[] jobs = await Task.WhenAll(ends);

        Assert.Equal((MigrationState.RolledBack, FailureKind.Refused), (back.State, back.Failure!.Kind));
        Assert.Contains("has 100 MiB available, and 128 MiB are needed. 64 MiB there are promised to containers on their way into it.", back.Failure.Message, StringComparison.Ordinal);
        Assert.Single(jobs, job => job.State == MigrationState.Done);
        (back.Id == first.JobId ? first : second).AssertRunsOnlyIn(back.Request.Source);
    }

    [Fact]
    public async Task a_request_that_makes_no_sense_is_refused_and_no_job_is_made_of_it()
    {
        Story story = cluster.Container("redis");

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => story.Job.StartAsync(story.Request with { Destination = story.Source }));

        Assert.Equal(FailureKind.Refused, refusal.Kind);
        Assert.Null(await story.Job.GetAsync());
    }

    [Fact]
    public async Task a_destination_that_dies_after_the_commit_and_before_the_thaw_gives_the_container_back_to_the_source()
    {
        Story story = cluster.Container("redis");
        story.On("thaw", (_, _) =>
        {
            DestroyVm(story.Destination);
            return Task.CompletedTask;
        });

        MigrationJob job = await story.RunAsync();

        Assert.Equal((MigrationState.RolledBack, FailureKind.VmLost), (job.State, job.Failure!.Kind));
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task a_source_that_dies_when_all_is_captured_does_not_stop_the_migration()
    {
        Story story = cluster.Container("redis");
        story.On("restore", (_, _) =>
        {
            DestroyVm(story.Source);
            return Task.CompletedTask;
        });

        MigrationJob job = await story.RunAsync();

        Assert.Equal((MigrationState.Done, SideOutcome.Lost), (job.State, job.Source));
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(VmStatus.Gone)]
    [InlineData(VmStatus.Panicked)]
    [InlineData(VmStatus.Shutdown)]
    public async Task a_source_that_dies_before_it_is_captured_takes_the_container_with_it_and_the_job_says_so(VmStatus? listedAs)
    {
        Story story = cluster.Container("redis");
        story.On("capture", (_, _) =>
        {
            DestroyVm(story.Source);
            if (listedAs is { } status) cluster.World.Change(state => state.Vms.Add(new ScriptedVm(story.Source, status)));
            throw new EngineException(FailureKind.VmLost, "The monitor closed.");
        });

        MigrationJob job = await story.RunAsync();

        Assert.Equal((MigrationState.RolledBack, SideOutcome.Lost), (job.State, job.Source));
        Assert.Contains("is lost", job.Whereabouts, StringComparison.Ordinal);
        Assert.Null(story.CopyIn(story.Destination));
    }

    [Fact]
    public async Task a_container_that_ended_while_it_was_frozen_is_lost_and_the_job_says_so()
    {
        Story story = cluster.Container("redis");
        story.Fail("capture", FailureKind.VmLost);
        story.On("roll-back-source", (_, _) => throw new EngineException(FailureKind.WorkloadLost, "It has ended."));

        MigrationJob job = await story.RunAsync();

        Assert.Equal((MigrationState.RolledBack, SideOutcome.Lost, true), (job.State, job.Source, job.IsSettled));
        Assert.Contains("is lost", job.Whereabouts, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_copy_that_ended_after_the_commit_before_it_was_thawed_gives_the_container_back_to_the_source()
    {
        Story story = cluster.Container("redis");
        story.On("thaw", (_, _) => throw new EngineException(FailureKind.WorkloadLost, "It was ended before it ran."));

        MigrationJob job = await story.RunAsync();

        Assert.Equal(MigrationState.RolledBack, job.State);
        Assert.Contains("was lost before it was known to run: It was ended before it ran.", job.Failure!.Message, StringComparison.Ordinal);
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task a_source_that_is_only_silent_is_not_given_up()
    {
        Story story = cluster.Container("redis");
        story.On("capture", (_, _) =>
        {
            ChangeVm(story.Source, vm => vm with { Status = VmStatus.Unreachable });
            throw new EngineException(FailureKind.VmLost, "The monitor does not answer.");
        });
        await story.StartAsync();
        await foreach (MigrationJob job in story.Job.WatchAsync(TestContext.Current.CancellationToken).WithBatchSize(1))
        {
            if (job is { Problem: not null, Source: SideOutcome.Open }) ChangeVm(story.Source, vm => vm with { Status = VmStatus.Running });
        }

        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task watching_begins_with_the_job_as_it_is_repeats_it_and_ends_with_it()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("capture");
        await story.StartAsync();
        await gate.Reached;
        var seen = new List<MigrationJob>();

        await foreach (MigrationJob job in story.Job.WatchAsync(TestContext.Current.CancellationToken).WithBatchSize(1))
        {
            seen.Add(job);
            if (seen.Count == 3) gate.Open();
        }

        Assert.All(seen.Take(3), job => Assert.Equal(MigrationState.Frozen, job.State));
        Assert.Equal(MigrationState.Done, seen[^1].State);
    }

    [Fact]
    public async Task progress_of_the_transfer_is_seen_while_it_runs()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("capture");
        cluster.Engines["host-a"].Progress = new TransferStatistics(100, 40, 3, 2, 60);
        await story.StartAsync();

        await foreach (MigrationJob job in story.Job.WatchAsync(TestContext.Current.CancellationToken).WithBatchSize(1))
        {
            if (job.Transfer?.Remaining == 60) gate.Open();
        }

        story.AssertRunsOnlyIn(story.Destination);
    }

    [Fact]
    public async Task a_job_that_does_not_exist_is_not_found()
    {
        IMigrationGrain none = cluster.Client.GetGrain<IMigrationGrain>("nothere");

        Assert.Null(await none.GetAsync());
        Assert.Equal(FailureKind.NotFound, (await Assert.ThrowsAsync<EngineException>(none.CancelAsync)).Kind);
        EngineException notFound = await Assert.ThrowsAsync<EngineException>(() => EndOf(none));
        Assert.Equal(FailureKind.NotFound, notFound.Kind);
    }

    [Fact]
    public async Task jobs_are_listed_while_they_run_and_after()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("capture");
        await story.StartAsync();
        await gate.Reached;
        IClusterGrain all = cluster.Client.GetGrain<IClusterGrain>(0);

        JobSummary running = Assert.Single(await all.ListJobsAsync(TestContext.Current.CancellationToken), j => j.Id == story.JobId);
        gate.Open();
        await story.EndAsync();
        JobSummary done = Assert.Single(await all.ListJobsAsync(TestContext.Current.CancellationToken), j => j.Id == story.JobId);

        Assert.Equal((MigrationState.Frozen, null), (running.State, running.Ended));
        Assert.Equal(MigrationState.Done, done.State);
    }

    private static async Task<MigrationJob> EndOf(IMigrationGrain job)
    {
        MigrationJob? last = null;
        await foreach (MigrationJob next in job.WatchAsync(TestContext.Current.CancellationToken).WithBatchSize(1)) last = next;
        return last!;
    }

    private async Task AssertNothingIsClaimed(Story story)
    {
        foreach (VmId vm in new[] { story.Source, story.Destination })
        {
            IContainerGrain place = cluster.Client.GetContainerGrain(vm, story.Request.Workload);
            Assert.Equal("probe", (await place.ClaimAsync("probe")).Job);
            await place.ReleaseAsync("probe");
        }
    }

    private void ChangeVm(VmId vm, Func<ScriptedVm, ScriptedVm> change) => cluster.World.Change(state =>
    {
        int index = state.Vms.FindIndex(v => v.Id == vm);
        state.Vms[index] = change(state.Vms[index]);
    });

    private void DestroyVm(VmId vm) => cluster.World.Change(state =>
    {
        state.Vms.RemoveAll(v => v.Id == vm);
        state.Copies.RemoveAll(c => c.Vm == vm);
    });
}
