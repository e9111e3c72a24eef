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

    /// <summary>Brings a file into it, below its /tmp, by its memory alone.</summary>
    public async Task PutAsync(string path, string file) => await LandingFile.WriteAsync(Guest, _seen, path, await File.ReadAllBytesAsync(file, Cancellation), Cancellation);

    /// <summary>A file below its /tmp, read out of its memory.</summary>
    public Task<byte[]> ReadAsync(string path) => LandingFile.ReadAsync(Guest, _seen, path, Cancellation);

    /// <summary>Restores the images of a process tree by <c>criu restore</c>.</summary>
    public Task RestoreTreeAsync(string images) => StockRestore.TreeAsync(Guest, _seen, images);

    public async ValueTask DisposeAsync()
    {
        await _vm.DisposeAsync();
        await Guest.DisposeAsync();
    }
}
