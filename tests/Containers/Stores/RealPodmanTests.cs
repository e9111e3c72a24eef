namespace Watari.Containers.Tests.Stores;

/// <summary>What podman itself has written.</summary>
public sealed class RealPodmanTests
{
    [Theory]
    [InlineData("podman-4.3.1.tgz", ContainerState.Exited, 3, 3)]
    [InlineData("podman-5.4.2.tgz", ContainerState.Running, 0, 1)] // for the second time
    public void Its_containers(string archive, ContainerState state, int exitCode, int restarts)
    {
        ContainerInventory inventory = Inventory.Of(FileTree.FromArchive(archive, "/var/lib/containers/storage"));

        Assert.Empty(inventory.Unreadable);
        Assert.Equal(["created", "exited"], inventory.Containers.Select(container => container.Record!.Names.Single()));
        ContainerRecord created = inventory.Containers[0].Record!, exited = inventory.Containers[1].Record!;
        Assert.Equal((ContainerState.Created, null, null, 0), (created.State, created.Started, created.Finished, created.ExitCode));
        Assert.Equal((state, exitCode, restarts), (exited.State, exited.ExitCode, exited.RestartCount));
        Assert.Equal(["sh", "-c", "exit 3"], exited.Command);
        Assert.Equal(new RestartPolicy("on-failure", 3), exited.RestartPolicy);
        Assert.Equal([new ContainerMount("bind", null, "/srv", "/data", null, IsReadOnly: true)], exited.Mounts);
        Assert.Equal(("localhost/busybox:latest", "runc", "k8s-file"), (exited.Image, exited.OciRuntime, exited.LogDriver));
        Assert.Equal($"/var/lib/containers/storage/overlay-containers/{exited.Id}/userdata/ctr.log", exited.LogPath);
        // The links of the layers' short names are not in the archive: that is told, and hides nothing else.
        Assert.Contains("names a layer that is not there", Assert.Single(exited.Unreadable).Reason, StringComparison.Ordinal);
    }
}
