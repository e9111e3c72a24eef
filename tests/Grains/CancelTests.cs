using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;

namespace Watari.Grains.Tests;

/// <summary>A cancellation that comes while a state is being written, which is when it is decided what may run.</summary>
public sealed class CancelTests(Cluster cluster) : IClassFixture<Cluster>
{
    /// <summary>States with a write of their own, and whether a cancellation that comes during it is too late.</summary>
    public static TheoryData<MigrationState, bool> Writes => new()
    {
        { MigrationState.Preparing, false },
        { MigrationState.PreCopying, false },
        { MigrationState.Frozen, false },
        { MigrationState.Restoring, false },
        { MigrationState.Ready, false },
        { MigrationState.Committed, true },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public Task before_it_lands(MigrationState state, bool isTooLate) => CancelledAtAsync(FaultPoints.Before($"write.{state}"), isTooLate);

    [Theory]
    [MemberData(nameof(Writes))]
    public Task after_it_has_landed(MigrationState state, bool isTooLate) => CancelledAtAsync(FaultPoints.After($"write.{state}"), isTooLate);

    [Fact]
    public async Task while_it_rolls_back_it_is_told_why_it_does()
    {
        Story story = cluster.Container("redis");
        story.Fail("restore", FailureKind.RestoreFailed);
        Gate gate = story.Hold("roll-back-source");
        await story.StartAsync();
        await gate.Reached;

        MigrationJob job = await story.Job.CancelAsync();
        gate.Open();
        MigrationJob end = await story.EndAsync();

        Assert.Equal((JobActivity.RollingBack, FailureKind.RestoreFailed), (job.Activity, job.Failure!.Kind));
        Assert.Equal(job.Failure, end.Failure);
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task when_it_is_done_it_is_refused()
    {
        Story story = cluster.Container("redis");
        await story.RunAsync();

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(story.Job.CancelAsync);

        Assert.Equal(FailureKind.Refused, refusal.Kind);
        Assert.Equal($"Job {story.JobId} cannot be cancelled any more: it is done. {story.Name} runs in {story.Destination}.", refusal.Message);
    }

    private async Task CancelledAtAsync(string point, bool isTooLate)
    {
        Story story = cluster.Container("redis");
        var gate = new Gate();
        cluster.Faults.Arm(point, gate.PassAsync);
        await story.StartAsync();
        await gate.Reached;

        Task<MigrationJob> cancelling = story.Job.CancelAsync();
        // The cancellation waits for what the write decides; an answer of the job in between shows that it has come.
        Assert.NotNull(await story.Job.GetAsync());
        gate.Open();
        MigrationJob end = await story.EndAsync();

        if (isTooLate)
        {
            Assert.Equal(FailureKind.Refused, (await Assert.ThrowsAsync<EngineException>(() => cancelling)).Kind);
            Assert.Equal(MigrationState.Done, end.State);
            story.AssertRunsOnlyIn(story.Destination);
            return;
        }

        Assert.Equal(FailureKind.Cancelled, (await cancelling).Failure!.Kind);
        Assert.Equal(MigrationState.RolledBack, end.State);
        story.AssertRunsOnlyIn(story.Source);
    }
}
