using System.Globalization;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;

namespace Watari.SystemTests.Introspection;

/// <summary>A guest of two CPUs in which a redis holds some memory and waits, and its kernel as it is read from outside.</summary>
public sealed class GuestWithRedis : IAsyncLifetime
{
    private Guest? _guest;
    private VirtualMachine? _vm;

    public GuestKernel Kernel { get; private set; } = null!;

    /// <summary>Its VM, to hold it still.</summary>
    public VirtualMachine Vm => _vm!;

    /// <summary>The process's id.</summary>
    public int Redis { get; private set; }

    public async ValueTask InitializeAsync()
    {
        _guest = await Guest.StartAsync(new GuestOptions { Name = "proc", Vcpus = 2 }, TestContext.Current.CancellationToken);
        await CheckAsync("cd /tmp && (setsid redis-server --save '' --port 0 --unixsocket /tmp/redis.sock >/dev/null 2>&1 &)");
        await CheckAsync("i=0; until redis-cli -s /tmp/redis.sock ping >/dev/null 2>&1; do i=$((i+1)); [ $i -lt 300 ] || exit 1; sleep 0.1; done");
        await CheckAsync("redis-cli -s /tmp/redis.sock debug populate 2000 key 1000");
        Redis = int.Parse(await CheckAsync("pidof redis-server"), CultureInfo.InvariantCulture);
        _vm = await _guest.AttachAsync(TestContext.Current.CancellationToken);
        Kernel = GuestKernel.Attach(GuestMemoryOf.Vm(_vm));
    }

    public async ValueTask DisposeAsync()
    {
        if (_vm is not null) await _vm.DisposeAsync();
        if (_guest is not null) await _guest.DisposeAsync();
    }

    /// <summary>Runs a command in the guest's shell.</summary>
    public Task<string> CheckAsync(string command) => _guest!.Console.CheckAsync(command, TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
}
