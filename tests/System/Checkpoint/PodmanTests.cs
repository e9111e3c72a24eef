using Watari.Guests;
using Watari.Hypervisor;
using Watari.Processes;

namespace Watari.SystemTests.Checkpoint;

/// <summary>Containers that podman started: their overlay, mounts, namespaces and cgroup, read from outside.</summary>
public sealed class PodmanTests(CheckpointHost host) : IClassFixture<CheckpointHost>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_container_of_podman_is_restored_by_stock_runc_from_podmans_own_bundle()
    {
        GuestConsole console = host.Guest.Console;
        string id = await console.CheckAsync("podman run -d --name web --network none localhost/redis", StockGuest.Patience, Cancellation);
        await console.CheckAsync("until podman exec web /usr/bin/redis-cli -s /run/redis.sock ping; do :; done", StockGuest.Patience, Cancellation);
        string digest = await console.CheckAsync("watari-fill-redis web 2", StockGuest.Patience, Cancellation);
        string images = Path.Combine(host.Folder, "web");

        Run run = await host.WatariAsync("checkpoint", id, "--directory", images);

        Assert.True(run.Code == 0, run.Error);
        // conmon sees it end, and podman takes its root file system down: for runc alone it is put up again.
        await console.CheckAsync("until [ \"$(podman inspect -f '{{.State.Status}}' web)\" = exited ]; do :; done; podman mount web", StockGuest.Patience, Cancellation);
        await using (VirtualMachine vm = await VirtualMachine.AttachAsync(host.Guest.Directory.ControlSocket, cancellation: Cancellation))
            await StockRestore.ContainerAsync(host.Guest, new TestVm(vm), id, $"/var/lib/containers/storage/overlay-containers/{id}/userdata", images);
        Assert.Equal(digest, await console.CheckAsync($"runc exec {id} /usr/bin/redis-cli -s /run/redis.sock debug digest", StockGuest.Patience, Cancellation));
    }
}
