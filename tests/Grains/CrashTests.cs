using Watari.GrainInterfaces.Model;
using Watari.Grains.Faults;

namespace Watari.Grains.Tests;

/// <summary>
/// Whatever dies, at whatever point: one copy runs, and the job comes to an end. The fault points are the whole cluster's, which is
/// right because the tests of a class run one after another.
/// </summary>
public sealed class CrashTests(Cluster cluster) : IClassFixture<Cluster>
{
    public static TheoryData<string> EveryPoint => [.. FaultPoints.Names];

    public static TheoryData<string> EveryWrite => [.. FaultPoints.Names.Where(n => n.StartsWith("write.", StringComparison.Ordinal))];

    /// <summary>The activation that leads the job ends on the spot, as in a crash: nothing is written, nothing is told to anyone.</summary>
    [Theory]
    [MemberData(nameof(EveryPoint))]
    public async Task a_leader_that_dies_at_any_point_leaves_one_running_copy(string point)
    {
        Story story = cluster.Container("books"); // has volumes: it comes by every step
        if (Needs(point) is { } failing) story.Fail(failing, FailureKind.RestoreFailed);
        cluster.Faults.Arm(point, _ => throw new OperationCanceledException("The leader dies here."));
        try
        {
            await story.StartAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or EngineException)
        {
            if (point == FaultPoints.Before("write.Planned"))
            {
                // It died before the job existed: the client was told so, and may ask again.
                await story.StartAsync();
            }
        }

        await AwaitHit(point);
        MigrationJob job = await story.EndAsync();

        AssertOneCopy(story, job);
    }

    /// <summary>A write fails, or lands and is reported as failed: what is on disk decides.</summary>
    [Theory]
    [MemberData(nameof(EveryWrite))]
    public async Task a_write_whose_outcome_is_unknown_leaves_one_running_copy(string point)
    {
        Story story = cluster.Container("books");
        if (Needs(point) is { } failing) story.Fail(failing, FailureKind.RestoreFailed);
        cluster.Faults.Arm(point, _ => throw new IOException("The disk does not answer."));
        try
        {
            await story.StartAsync();
        }
        catch (EngineException)
        {
            await story.StartAsync();
        }

        await AwaitHit(point);
        MigrationJob job = await story.EndAsync();

        AssertOneCopy(story, job);
        if (point == FaultPoints.After($"write.{MigrationState.Committed}")) Assert.Equal(MigrationState.Done, job.State);
        if (point == FaultPoints.Before($"write.{MigrationState.Committed}")) Assert.Equal(MigrationState.RolledBack, job.State);
    }

    [Fact]
    public async Task what_was_committed_goes_forward_and_what_was_not_turns_back()
    {
        Story before = cluster.Container("redis");
        cluster.Faults.Arm(FaultPoints.Before("write.Committed"), _ => throw new OperationCanceledException("The leader dies here."));
        MigrationJob turned = await before.RunAsync();
        Story after = cluster.Container("redis");
        cluster.Faults.Arm(FaultPoints.After("write.Committed"), _ => throw new OperationCanceledException("The leader dies here."));
        MigrationJob gone = await after.RunAsync();

        Assert.Equal(MigrationState.RolledBack, turned.State);
        before.AssertRunsOnlyIn(before.Source);
        Assert.Equal(MigrationState.Done, gone.State);
        after.AssertRunsOnlyIn(after.Destination);
        Assert.True(gone.Epoch.Value > 1, "a resumed job has a newer epoch");
    }

    private static void AssertOneCopy(Story story, MigrationJob job)
    {
        story.AssertRunsOnlyIn(job.State == MigrationState.Done ? story.Destination : story.Source);
        Assert.Contains(job.State, new[] { MigrationState.Done, MigrationState.RolledBack, MigrationState.Refused });
    }

    /// <summary>Which step must fail so that the job comes by the point at all.</summary>
    private static string? Needs(string point) => point switch
    {
        _ when point.StartsWith("roll-back", StringComparison.Ordinal) || point.StartsWith("write.RolledBack", StringComparison.Ordinal) => "restore",
        _ when point.StartsWith("write.Refused", StringComparison.Ordinal) => "check",
        _ => null,
    };

    /// <summary>States that are passed through in the write of the next have no write of their own.</summary>
    private async Task AwaitHit(string point)
    {
        bool passedThrough = point.StartsWith($"write.{MigrationState.Captured}", StringComparison.Ordinal);
        if (passedThrough)
        {
            cluster.Faults.Disarm(point);
            return;
        }

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await cluster.Faults.WaitUntilHitAsync(point, limit.Token);
    }
}
