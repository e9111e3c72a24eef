using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>No two jobs make what has one id, one name, or one volume.</summary>
public sealed class JobStoreTests : IDisposable
{
    private readonly AgentFolder folder = new();

    [Theory]
    [InlineData("cc", "other", "other", true)]
    [InlineData("dd", "web", "other", true)]
    [InlineData("dd", "other", "books", true)]
    [InlineData("dd", "other", "other", false)]
    public void A_container_of_podmans_is_held_by_its_id_its_name_and_its_volumes(string id, string name, string volume, bool held)
    {
        JobId job = folder.Prepared("first").Job;
        folder.Store.Save(folder.Store.Get(job) with { Container = ContainerId.Parse("cc"), Managed = Container("cc", "web", "books") });

        ManagedContainer asked = Container(id, name, volume);

        Assert.Equal(held ? job : null, folder.Store.HolderOf(asked, JobId.Parse("second")));
        Assert.Equal(held ? job : null, folder.Store.HolderOf(asked, null));
        Assert.Null(folder.Store.HolderOf(asked, job));
    }

    [Fact]
    public void A_container_that_gets_its_id_from_podman_is_held_by_its_name()
    {
        JobId job = folder.Prepared("first").Job;
        folder.Store.Save(folder.Store.Get(job) with { Managed = Container("cc", "web", "books") with { Id = null } });

        Assert.Equal(job, folder.Store.HolderOf(Container("cc", "web", "other") with { Id = null }, null));
        Assert.Null(folder.Store.HolderOf(Container("cc", "other", "other") with { Id = null }, null));
    }

    [Fact]
    public void What_podman_may_have_made_is_known_after_a_boot_until_it_is_let_go()
    {
        JobRecord job = folder.Prepared("first") with { Managed = Container("cc", "web", "books") };
        folder.Store.Save(job);
        Assert.Null(folder.Store.FindOnDisk(job.Job));

        folder.Store.Save(job with { VolumesBegan = 7, Volumes = [ContainerId.Parse("books")] });
        Assert.Equal((7, "books"), (folder.Store.FindOnDisk(job.Job)!.VolumesBegan, Assert.Single(folder.Store.FindOnDisk(job.Job)!.Volumes).ToString()));
        folder.Store.Save(job with { Phase = JobPhase.Restoring, RestoreBegan = 1 });
        JobPaths files = folder.Paths.Of(job.Job);
        File.WriteAllText(files.Archive, "");
        File.WriteAllText(files.Changes, "");
        Directory.Delete(files.Root, recursive: true); // all that lies in memory

        AgentHome.RemoveLeftovers(folder.Paths);

        Assert.Equal([files.RecordOnDisk], Directory.GetFiles(folder.Paths.Archives));
        Assert.Null(folder.Store.Find(job.Job));
        Assert.Equal(("web", 1L), (folder.Store.FindOnDisk(job.Job)!.Managed!.Name.ToString(), folder.Store.FindOnDisk(job.Job)!.RestoreBegan));
        Directory.CreateDirectory(files.Root);
        folder.Store.Save(job with { Phase = JobPhase.Restored, RestoreBegan = 1, Running = ContainerId.Parse("cc") });
        Assert.Null(folder.Store.FindOnDisk(job.Job));
    }

    public void Dispose() => folder.Dispose();

    private static ManagedContainer Container(string id, string name, string volume) =>
        new() { Engine = ContainerEngine.Podman, Id = ContainerId.Parse(id), Name = ContainerId.Parse(name), Volumes = [ContainerId.Parse(volume)] };
}
