using System.Text;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.StandIn;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>The stand-in for runc understands what containerd's shim says to runc, and says the same to restore.</summary>
public sealed class RuncStandInTests
{
    private const string Bundle = "/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/cc";

    [Theory]
    [InlineData("--root /r --log /l --log-format json create --bundle /b --pid-file /b/init.pid cc", "create", "cc")]
    [InlineData("--root /r --systemd-cgroup start cc", "start", "cc")]
    [InlineData("--root=/r delete --force cc", "delete", null)] // of no matter: runc itself gets it
    [InlineData("--version", null, null)]
    [InlineData("--root", null, null)]
    [InlineData("", null, null)]
    public void A_call_has_a_command_and_a_container(string line, string? command, string? container)
    {
        RuncCall? call = RuncCall.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Equal((command, container), (call?.Command, call?.Container));
    }

    [Fact]
    public void What_would_be_created_is_restored_from_the_same_bundle_with_the_same_files()
    {
        RuncCall call = RuncCall.Parse(["--root", "/r", "--systemd-cgroup", "create", "--bundle", Bundle, "--no-pivot", "--no-new-keyring", $"--pid-file={Bundle}/init.pid", "--console-socket", "/s", "cc"])!;

        Assert.Equal(
            ["runc", "--root", "/r", "--systemd-cgroup", "restore", "--detach", "--bundle", Bundle, "--pid-file", $"{Bundle}/init.pid", "--console-socket", "/s", "--no-pivot", "--image-path", "/i", "cc"],
            call.AsRestore("--image-path", "/i"));
    }

    [Fact]
    public void The_images_cgroup_is_that_of_the_new_container_each_time_that_it_is_named()
    {
        string former = new('a', 64), now = new('b', 64), image = Path.GetTempFileName();
        try
        {
            File.WriteAllText(image, $"\u0001/docker/{former}\u0002x{former}{former[1..]}", Encoding.Latin1);

            RuncStandIn.Rename(image, ContainerId.Parse(former), ContainerId.Parse(now));

            Assert.Equal($"\u0001/docker/{now}\u0002x{now}{former[1..]}", File.ReadAllText(image, Encoding.Latin1));
            Assert.Throws<InvalidDataException>(() => RuncStandIn.Rename(image, ContainerId.Parse(former), ContainerId.Parse("b")));
        }
        finally
        {
            File.Delete(image);
        }
    }

    [Theory]
    [InlineData("/usr/local/sbin/runc", true)]
    [InlineData("runc", true)]
    [InlineData("criu", false)]
    [InlineData("/usr/lib/watari/watari-agent", false)]
    public void It_is_meant_where_it_is_called_runc(string program, bool meant) => Assert.Equal(meant, RuncStandIn.IsMeant(program));
}
