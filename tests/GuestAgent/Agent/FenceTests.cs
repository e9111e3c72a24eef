using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class FenceTests : IDisposable
{
    private readonly AgentFolder folder = new();

    [Fact]
    public void An_older_owner_is_refused_once_a_newer_one_has_spoken()
    {
        Fence fence = new(folder.Paths);
        fence.Pass(At("a", 3));
        fence.Pass(At("a", 5));
        Assert.Equal(AgentErrorCode.StaleEpoch, Assert.Throws<AgentException>(() => fence.Pass(At("a", 4))).Code);
        fence.Pass(At("a", 5));
        fence.Pass(At("a", 6));
    }

    [Fact]
    public void One_jobs_epoch_is_nothing_to_another_job()
    {
        Fence fence = new(folder.Paths);
        fence.Pass(At("a", 9));
        fence.Pass(At("b", 1));
        Assert.Equal(new FencingEpoch(1), fence.Highest(JobId.Parse("b")));
    }

    [Fact]
    public void The_agents_death_does_not_let_an_old_owner_back_in()
    {
        new Fence(folder.Paths).Pass(At("a", 5));
        Assert.Equal(AgentErrorCode.StaleEpoch, Assert.Throws<AgentException>(() => new Fence(folder.Paths).Pass(At("a", 4))).Code);
    }

    [Fact]
    public void The_fences_of_ever_new_jobs_take_bounded_room()
    {
        Fence fence = new(folder.Paths);
        for (int i = 0; i < 600; i++)
            fence.Pass(At("job-" + i, 1));
        Assert.Equal(512, Directory.GetFiles(folder.Paths.Fences).Length);
    }

    public void Dispose() => folder.Dispose();

    private static JobStep At(string job, ulong epoch) => new(JobId.Parse(job), new FencingEpoch(epoch), "s");
}
