using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;
using Watari.Scripted;

namespace Watari.Grains.Tests;

/// <summary>A restore out of an archive is done once, whoever of its keepers dies meanwhile.</summary>
public sealed class RestoreTests(Cluster cluster) : IClassFixture<Cluster>, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("watari-archives-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task what_an_archive_holds_runs_in_the_vm_and_asked_again_it_is_not_restored_again()
    {
        Story story = cluster.Container("redis");
        ArchiveRestore options = Archive("restored-once");
        IRestoreGrain restore = cluster.Client.GetGrain<IRestoreGrain>(JobId.New());

        StepAnswer first = await UntilFinishedAsync(restore, story.Destination, options);
        StepAnswer again = await restore.RestoreAsync(story.Destination, options, Patience);

        Assert.Equal(("restored-once", "restored-once"), (first.Report!.Container, again.Report!.Container));
        Assert.Single(cluster.World.Read().Copies, copy => copy.Container == "restored-once" && copy.Vm == story.Destination && copy.State == CopyState.Running);
        Assert.Empty(cluster.World.Read().Violations);
    }

    [Fact]
    public async Task an_archive_that_is_not_there_fails_and_a_new_attempt_is_made()
    {
        Story story = cluster.Container("redis");
        IRestoreGrain restore = cluster.Client.GetGrain<IRestoreGrain>(JobId.New());
        var missing = new ArchiveRestore(Path.Combine(_folder, "missing.tar"));

        EngineException failed = await Assert.ThrowsAsync<EngineException>(() => UntilFinishedAsync(restore, story.Destination, missing));

        Assert.Equal(FailureKind.NotFound, failed.Kind);
        Assert.Equal("restored-later", (await UntilFinishedAsync(cluster.Client.GetGrain<IRestoreGrain>(JobId.New()), story.Destination, Archive("restored-later"))).Report!.Container);
    }

    [Fact]
    public async Task a_host_that_is_started_again_in_the_middle_of_it_undoes_it_and_whoever_asks_is_told()
    {
        Story story = cluster.Container("redis");
        Gate gate = story.Hold("restore-archive");
        IRestoreGrain restore = cluster.Client.GetGrain<IRestoreGrain>(JobId.New());
        ArchiveRestore options = Archive(story.Name);
        Assert.False((await restore.RestoreAsync(story.Destination, options, Patience)).Finished);
        await gate.Reached;

        await cluster.RestartAsync(story.Destination.Host);
        EngineException told = await Assert.ThrowsAsync<EngineException>(() => UntilFinishedAsync(restore, story.Destination, options));

        Assert.Equal(FailureKind.Interrupted, told.Kind);
        Assert.StartsWith($"The silo of host '{story.Destination.Host}' stopped while {options.Path} was being restored into {story.Destination}: ", told.Message, StringComparison.Ordinal);
        story.AssertRunsOnlyIn(story.Source);
    }

    /// <summary>The host's memory of it ends with its silo.</summary>
    [Fact]
    public async Task asked_again_after_its_host_was_started_again_its_end_is_told_and_it_is_not_restored_again()
    {
        Story story = cluster.Container("redis");
        IRestoreGrain restore = cluster.Client.GetGrain<IRestoreGrain>(JobId.New());
        ArchiveRestore options = Archive("restored-before");
        await UntilFinishedAsync(restore, story.Destination, options);

        await cluster.RestartAsync(story.Destination.Host);

        Assert.Equal("restored-before", (await UntilFinishedAsync(restore, story.Destination, options)).Report!.Container);
        Assert.Empty(cluster.World.Read().Violations);
    }

    [Fact]
    public async Task what_failed_and_could_not_be_undone_at_once_tells_its_own_failure_when_it_is()
    {
        Story story = cluster.Container("redis");
        story.Fail("restore-archive", FailureKind.TimedOut);
        story.Fail("roll-back-destination", FailureKind.RestoreFailed);
        IRestoreGrain restore = cluster.Client.GetGrain<IRestoreGrain>(JobId.New());
        ArchiveRestore options = Archive(story.Name) with { Name = story.Name };

        EngineException first = await Assert.ThrowsAsync<EngineException>(() => UntilFinishedAsync(restore, story.Destination, options));
        EngineException again = await Assert.ThrowsAsync<EngineException>(() => UntilFinishedAsync(restore, story.Destination, options));

        Assert.Equal((FailureKind.TimedOut, "restore-archive was made to fail."), (first.Kind, first.Message));
        Assert.Equal((first.Kind, first.Message), (again.Kind, again.Message));
        story.AssertRunsOnlyIn(story.Source);
    }

    private ArchiveRestore Archive(string container)
    {
        string path = Path.Combine(_folder, container + ".tar");
        File.WriteAllText(path, container);
        return new ArchiveRestore(path);
    }

    private static async Task<StepAnswer> UntilFinishedAsync(IRestoreGrain restore, VmId vm, ArchiveRestore options)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                StepAnswer answer = await restore.RestoreAsync(vm, options, Patience).WaitAsync(limit.Token);
                if (answer.Finished) return answer;
            }
            catch (Exception e) when (e is OrleansException or TimeoutException or EngineException { Kind: FailureKind.HostLost })
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), limit.Token);
            }
        }
    }
}
