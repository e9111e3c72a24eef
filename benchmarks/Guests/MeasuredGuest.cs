using Watari.Benchmarks.Core;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Silo.Engine;
using Watari.Silo.Engine.Vms;

namespace Watari.Benchmarks.Guests;

/// <summary>A guest, and what a silo's engine holds of its VM: the engine is measured without the cluster around it.</summary>
internal sealed class MeasuredGuest : IAsyncDisposable
{
    private readonly VmLease _lease;

    private MeasuredGuest(Guest guest, VmLease lease, MachineDescription machine)
    {
        Setting = GuestSetting.Of(machine, lease.Vm.Kernel().Release);
        Guest = guest;
        _lease = lease;
    }

    public Guest Guest { get; }

    public GuestVm Vm => _lease.Vm;

    public EngineThreads Threads { get; } = new(2);

    public GuestSetting Setting { get; }

    public static async Task<MeasuredGuest> StartAsync(GuestOptions options, CancellationToken cancellation)
    {
        Guest guest = await Guest.StartAsync(options, cancellation);
        try
        {
            VmLease lease = await GuestVm.AttachAsync(guest.Name, guest.Directory.DirectoryPath, cancellation);
            return new MeasuredGuest(guest, lease, await lease.Vm.Machine.DescribeAsync(cancellation));
        }
        catch
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    /// <summary>A guest with one container, redis, that holds so many MB of data.</summary>
    public static GuestOptions WithRedis(int megabytes) => new()
    {
        MemoryMiB = 512 + (2 * megabytes),
        Setup = $"watari-run redis && watari-fill-redis redis {megabytes}",
    };

    public async ValueTask DisposeAsync()
    {
        Threads.Dispose();
        await _lease.DisposeAsync();
        await Guest.DisposeAsync();
    }
}
