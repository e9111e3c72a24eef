using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Checkpoint;

/// <summary>One host with a silo and a guest, vm-a; and a directory for what is saved there.</summary>
public sealed class CheckpointHost : IAsyncLifetime
{
    private WatariProcesses? _processes;
    private Guest? _guest;

    public Guest Guest => _guest!;

    public GuestContainers Containers => new(Guest);

    /// <summary>Gone with the host.</summary>
    public string Folder => Path.Combine(_processes!.Folder, "saved");

    public async ValueTask InitializeAsync()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        _processes = new WatariProcesses("watari-silo");
        Directory.CreateDirectory(Folder);
        _guest = await Guest.StartAsync(new GuestOptions { Name = "vm-a", Host = "host-a", RunDirectory = _processes.RunDirectory }, cancellation);
        await FarPids.BeginAsync(_guest);
        await _processes.StartSiloAsync("host-a");
    }

    /// <summary>Runs <c>watari</c> to its end.</summary>
    public Task<Run> WatariAsync(params string[] args) => _processes!.WatariAsync(args);

    public async ValueTask DisposeAsync()
    {
        if (_processes is null) return;
        // The silo first: it has the guest's memory mapped.
        await _processes.EndSilosAsync();
        if (_guest is not null) await _guest.DisposeAsync();
        await _processes.DisposeAsync();
    }
}
