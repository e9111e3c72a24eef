using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>Jobs that cannot come to their end because something does not answer any more: seen, and taken off the list by hand.</summary>
public sealed class ForgetTests(Cluster cluster) : IClassFixture<Cluster>
{
    [Fact]
    public async Task a_job_that_only_cleans_is_listed_with_what_it_tries_and_since_when()
    {
        Story story = await CleaningAsync();

        JobSummary line = Assert.Single(await ListAsync(), job => job.Id == story.JobId);

        Assert.Equal((JobActivity.Cleaning, "roll-back-destination was made to fail."), (line.Activity, line.Problem));
        Assert.Equal((await story.Job.GetAsync())!.Failure!.At, line.ActiveSince);
        Assert.InRange(line.ActiveSince, line.Created, TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public async Task a_job_that_only_cleans_is_forgotten_and_what_it_could_not_clean_stays_and_never_runs()
    {
        Story story = await CleaningAsync();

        MigrationJob forgotten = await story.Job.ForgetAsync(force: false);

        Assert.Equal((MigrationState.RolledBack, SideOutcome.Settled, SideOutcome.Abandoned), (forgotten.State, forgotten.Source, forgotten.Destination));
        Assert.Equal($"runs on in {story.Source}; what was made of it in {story.Destination} is left there and has never run", forgotten.Whereabouts);
        await AssertForgottenAsync(story);
        Assert.Equal(CopyState.Running, story.CopyIn(story.Source));
        Assert.Equal(CopyState.Prepared, story.CopyIn(story.Destination));
        Assert.Empty(cluster.World.Read().Violations);

        // The place is free, and the left copy stands in the way of the next migration there.
        IMigrationGrain next = cluster.Client.GetGrain<IMigrationGrain>(JobId.New());
        Assert.Contains("has a container", (await next.PlanAsync(story.Request)).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_job_whose_source_cannot_be_retired_is_forgotten_and_the_frozen_copy_never_runs()
    {
        Story story = cluster.Container("redis");
        story.FailAlways("retire", FailureKind.VmLost);
        await story.StartAsync();
        await story.UntilAsync(job => job is { Activity: JobActivity.Retiring, Problem: not null });

        MigrationJob forgotten = await story.Job.ForgetAsync(force: false);

        Assert.Equal((MigrationState.Done, SideOutcome.Abandoned), (forgotten.State, forgotten.Source));
        Assert.Equal($"runs in {story.Destination}; a frozen copy is left in {story.Source} and must not be resumed there", forgotten.Whereabouts);
        await AssertForgottenAsync(story);
        Assert.Equal((CopyState.Frozen, CopyState.Running), (story.CopyIn(story.Source), story.CopyIn(story.Destination)));
    }

    [Fact]
    public async Task a_job_that_has_ended_is_taken_off_the_list()
    {
        Story story = cluster.Container("redis");
        await story.RunAsync();

        await story.Job.ForgetAsync(force: false);

        await AssertForgottenAsync(story);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Theory]
    [InlineData("capture", "turn it back first, with 'watari jobs cancel")]
    [InlineData("thaw", "it is the only copy there is, and is thawed as soon as its host answers")]
    public async Task a_job_whose_container_does_not_run_is_not_forgotten_not_even_by_force(string during, string says)
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold(during);
        await story.StartAsync();
        await gate.Reached;

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => story.Job.ForgetAsync(force: false));
        EngineException byForce = await Assert.ThrowsAsync<EngineException>(() => story.Job.ForgetAsync(force: true));
        gate.Open();

        Assert.Equal((FailureKind.Refused, FailureKind.Refused), (refusal.Kind, byForce.Kind));
        Assert.Contains(says, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(MigrationState.Done, (await story.EndAsync()).State);
        story.AssertRunsOnlyIn(story.Destination);
    }

    [Fact]
    public async Task a_source_that_does_not_come_back_is_given_up_by_force_alone_and_nothing_runs_anywhere()
    {
        Story story = cluster.Container("redis");
        story.Fail("restore", FailureKind.RestoreFailed);
        story.FailAlways("roll-back-source", FailureKind.TimedOut);
        await story.StartAsync();
        await story.UntilAsync(job => job is { Activity: JobActivity.RollingBack, Problem: not null, Destination: SideOutcome.Settled });

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => story.Job.ForgetAsync(force: false));
        MigrationJob forgotten = await story.Job.ForgetAsync(force: true);

        Assert.Contains("'jobs forget --force' gives it up", refusal.Message, StringComparison.Ordinal);
        Assert.Equal((MigrationState.RolledBack, SideOutcome.Abandoned), (forgotten.State, forgotten.Source));
        await AssertForgottenAsync(story);
        Assert.Equal((CopyState.Frozen, null), (story.CopyIn(story.Source), story.CopyIn(story.Destination)));
    }

    [Fact]
    public async Task a_job_that_does_not_exist_cannot_be_forgotten() => Assert.Equal(
        FailureKind.NotFound,
        (await Assert.ThrowsAsync<EngineException>(() => cluster.Client.GetGrain<IMigrationGrain>("nothere").ForgetAsync(force: false))).Kind);

    /// <summary>A destination whose agent stays dead: the source runs again, and the cleaning is tried for ever.</summary>
    private async Task<Story> CleaningAsync()
    {
        Story story = cluster.Container("redis");
        story.Fail("restore", FailureKind.VmLost);
        story.FailAlways("roll-back-destination", FailureKind.VmLost);
        await story.StartAsync();
        await story.UntilAsync(job => job is { Activity: JobActivity.Cleaning, Problem: not null });
        return story;
    }

    private Task<System.Collections.Immutable.ImmutableArray<JobSummary>> ListAsync() =>
        cluster.Client.GetGrain<IClusterGrain>(0).ListJobsAsync(TestContext.Current.CancellationToken);

    private async Task AssertForgottenAsync(Story story)
    {
        Assert.Null(await story.Job.GetAsync());
        Assert.DoesNotContain(await ListAsync(), job => job.Id == story.JobId);
        foreach (VmId vm in new[] { story.Source, story.Destination })
        {
            IContainerGrain place = cluster.Client.GetContainerGrain(vm, story.Request.Workload);
            Assert.Equal("probe", (await place.ClaimAsync("probe")).Job);
            await place.ReleaseAsync("probe");
        }
    }
}
