using Watari.GrainInterfaces.Model;
using Watari.Guests;
using Watari.Silo.Engine;
using Watari.Silo.Engine.Controls;
using Watari.Silo.Engine.Vms;

namespace Watari.SystemTests.Controls;

/// <summary>A guest whose containers are paused, unpaused and killed as a silo does it.</summary>
internal sealed class ControlledGuest : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly EngineThreads _threads = new(1);
    private readonly ContainerControl _control;
    private readonly Guest _guest;
    private readonly VmLease _lease;
    private int _commands;

    private ControlledGuest(Guest guest, VmLease lease)
    {
        _guest = guest;
        _lease = lease;
        _control = new ContainerControl(_threads, TimeProvider.System);
        Inside = new GuestInspection(guest);
    }

    public GuestInspection Inside { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<ControlledGuest> StartAsync(GuestOptions options)
    {
        Guest guest = await Guest.StartAsync(options, Cancellation);
        try
        {
            return new ControlledGuest(guest, await GuestVm.AttachAsync(guest.Name, guest.Directory.DirectoryPath, Cancellation));
        }
        catch
        {
            await guest.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command in the guest.</summary>
    public Task<string> InAsync(string command) => _guest.Console.CheckAsync(command, s_patience, Cancellation);

    public Task<EngineReport> PauseAsync(string container, Actor by = Actor.Outside) => _control.PauseAsync(Key(), _lease.Vm, WorkloadId.OfContainer(container), by, Cancellation);

    public Task<EngineReport> UnpauseAsync(string container, Actor by = Actor.Outside) => _control.UnpauseAsync(Key(), _lease.Vm, WorkloadId.OfContainer(container), by, Cancellation);

    public Task<EngineReport> KillAsync(string container, int signal, Actor by = Actor.Outside) =>
        _control.KillAsync(Key(), _lease.Vm, WorkloadId.OfContainer(container), new Signal(signal), by, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await _lease.DisposeAsync();
        await _guest.DisposeAsync();
        _threads.Dispose();
    }

    private StepKey Key() => new($"control-{_commands++}", new Epoch(1), "control");
}
