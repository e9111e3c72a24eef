using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class CgroupTests
{
    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("redis")]
    [InlineData("/a/../b")]
    [InlineData("/a//b")]
    [InlineData("/a/")]
    [InlineData("/./a")]
    public void A_path_that_climbs_or_means_the_root_is_no_cgroup_to_command(string path) =>
        Assert.Equal(AgentErrorCode.BadRequest, Assert.Throws<AgentException>(() => Cgroup.At(path)).Code);

    [Fact]
    public void A_cgroup_that_is_not_there_cannot_be_frozen_but_is_dead_and_gone()
    {
        Cgroup none = Cgroup.At("/watari-no-such-cgroup");
        Assert.Equal(AgentErrorCode.NoSuchCgroup, Assert.Throws<AgentException>(() => none.Freeze(Deadline.After(1000))).Code);
        none.Kill(Deadline.After(1000));
        Assert.False(none.Remove());
        Assert.False(none.Populated);
    }
}
