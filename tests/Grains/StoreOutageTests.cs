using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>What jobs are kept in does not take a write, while the container stands frozen.</summary>
public sealed class StoreOutageTests(Cluster cluster) : IClassFixture<Cluster>
{
    [Fact]
    public async Task a_frozen_source_runs_again_without_waiting_for_the_disk()
    {
        Story story = cluster.Container("redis");
        Gate disk = FailThenHold(FaultPoints.Before("write.Frozen"), FaultPoints.Before("write.PreCopying"));
        await story.StartAsync();

        await disk.Reached;
        CopyState? meanwhile = story.CopyIn(story.Source);
        MigrationJob shown = (await story.Job.GetAsync())!;
        disk.Open();
        MigrationJob end = await story.EndAsync();

        Assert.Equal(CopyState.Running, meanwhile);
        Assert.Equal($"The job's state could not be written (The disk is full.): {story.Name} runs on in {story.Source} until it can be", shown.Problem);
        Assert.Equal(MigrationState.RolledBack, end.State);
        story.AssertRunsOnlyIn(story.Source);
    }

    [Fact]
    public async Task while_a_commit_is_in_doubt_neither_copy_runs_and_the_disk_decides_that_it_landed()
    {
        Story story = cluster.Container("redis");
        Gate disk = FailThenHold(FaultPoints.After("write.Committed"), FaultPoints.Before("write.Committed"));
        await story.StartAsync();

        await disk.Reached;
        (CopyState?, CopyState?) meanwhile = (story.CopyIn(story.Source), story.CopyIn(story.Destination));
        disk.Open();

        Assert.Equal((CopyState.Frozen, CopyState.Restored), meanwhile);
        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Fact]
    public async Task while_a_commit_is_in_doubt_neither_copy_runs_and_the_disk_decides_that_it_did_not_land()
    {
        Story story = cluster.Container("redis");
        Gate disk = FailThenHold(FaultPoints.Before("write.Committed"), FaultPoints.Before("write.Ready"));
        await story.StartAsync();

        await disk.Reached;
        (CopyState?, CopyState?) meanwhile = (story.CopyIn(story.Source), story.CopyIn(story.Destination));
        disk.Open();

        Assert.Equal((CopyState.Frozen, CopyState.Restored), meanwhile);
        Assert.Equal(MigrationState.RolledBack, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Source);
    }

    /// <summary>The first write fails at its point; the one by which the job takes itself up again is held at its own.</summary>
    private Gate FailThenHold(string failing, string held)
    {
        var gate = new Gate();
        cluster.Faults.Arm(failing, _ =>
        {
            cluster.Faults.Arm(held, gate.PassAsync);
            throw new IOException("The disk is full.");
        });
        return gate;
    }
}
