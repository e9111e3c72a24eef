using Watari.Guests;
using Watari.Hypervisor;

namespace Watari.SystemTests.Checkpoint;

/// <summary>A guest that has nothing but what Debian ships and the programs that are restored in it: its agent was taken away.</summary>
internal sealed class StockGuest : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly VirtualMachine _vm;
    private readonly TestVm _seen;

    private StockGuest(Guest guest, VirtualMachine vm)
    {
        Guest = guest;
        _vm = vm;
        _seen = new TestVm(vm);
    }

    public Guest Guest { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<StockGuest> StartAsync()
    {
        Guest guest = await Guest.StartAsync(new GuestOptions { Name = "stock" }, Cancellation);
        await guest.Console.CheckAsync(
            "rm -rf /usr/lib/watari/watari-agent /run/watari/bin; pkill -x watari-agent; until ! pgrep -x watari-agent; do :; done", Patience, Cancellation);
        return new StockGuest(guest, await guest.AttachAsync(Cancellation));
    }

    /// <summary>Restores the images of a container by <c>runc restore</c>, from the image's bundle of its name.</summary>
    public Task RestoreContainerAsync(string container, string images) =>
        StockRestore.ContainerAsync(Guest, _seen, container, $"/var/lib/watari/bundles/{container}", images);

    /// <summary>Restores the images of a process tree by <c>criu restore</c>.</summary>
    public Task RestoreTreeAsync(string images) => StockRestore.TreeAsync(Guest, _seen, images);

    public async ValueTask DisposeAsync()
    {
        await _vm.DisposeAsync();
        await Guest.DisposeAsync();
    }
}
