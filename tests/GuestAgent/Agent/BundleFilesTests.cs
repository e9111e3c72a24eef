using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

public sealed class BundleFilesTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("watari-bundle-").FullName;

    [Fact]
    public void A_bundle_with_config_and_root_file_system_says_where_its_container_will_be()
    {
        Fill("""{"root":{"path":"rootfs"},"linux":{"cgroupsPath":"/redis"}}""");
        Assert.Equal("/redis", BundleFiles.Open(folder).Cgroup);
        Fill("""{"root":{"path":"rootfs"},"linux":{}}""");
        Assert.Null(BundleFiles.Open(folder).Cgroup);
    }

    [Fact]
    public void A_bundle_that_is_not_whole_is_no_image()
    {
        Assert.Equal(AgentErrorCode.NoImage, Assert.Throws<AgentException>(() => BundleFiles.Open(folder)).Code);
        File.WriteAllText(folder + "/config.json", """{"root":{"path":"rootfs"}}""");
        Assert.Equal(AgentErrorCode.NoImage, Assert.Throws<AgentException>(() => BundleFiles.Open(folder)).Code);
        Directory.CreateDirectory(folder + "/rootfs");
        Assert.Equal(AgentErrorCode.NoImage, Assert.Throws<AgentException>(() => BundleFiles.Open(folder)).Code);
        Fill("no json");
        Assert.Equal(AgentErrorCode.NoImage, Assert.Throws<AgentException>(() => BundleFiles.Open(folder)).Code);
    }

    [Theory]
    [InlineData("relative")]
    [InlineData("/var/../etc")]
    [InlineData("")]
    public void A_bundle_is_named_by_a_plain_absolute_path(string path) =>
        Assert.Equal(AgentErrorCode.BadRequest, Assert.Throws<AgentException>(() => BundleFiles.Open(path)).Code);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private void Fill(string config)
    {
        File.WriteAllText(folder + "/config.json", config);
        Directory.CreateDirectory(folder + "/rootfs/bin");
    }
}
