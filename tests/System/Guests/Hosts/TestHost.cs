using Watari.Hypervisor;
using Watari.Processes;

namespace Watari.Guests;

/// <summary>A host of a test: a silo in a process of its own, and the guest that it looks after.</summary>
public sealed class TestHost : IAsyncDisposable
{
    private readonly WatariProcesses _processes;

    internal TestHost(WatariProcesses processes, string name, Guest guest)
    {
        _processes = processes;
        Name = name;
        Guest = guest;
        Containers = new GuestContainers(guest);
        Inside = new GuestInspection(guest);
        Faults = new GuestFaults(guest);
    }

    public string Name { get; }

    public Guest Guest { get; }

    /// <summary>HOST/VM.</summary>
    public string Vm => $"{Name}/{Guest.Name}";

    public GuestContainers Containers { get; }

    /// <summary>What is in the guest, in its own words.</summary>
    public GuestInspection Inside { get; }

    /// <summary>What a test can have go wrong in the guest.</summary>
    public GuestFaults Faults { get; }

    /// <summary>The silo that was started last.</summary>
    public SiloProcess Silo => _processes.Silo(Name);

    /// <summary>Starts its silo, at the ports that it had if it ran before.</summary>
    /// <param name="faults">Fault points to arm in it (WATARI_FAULTS).</param>
    public Task StartSiloAsync(string faults = "") => _processes.StartSiloAsync(Name, faults);

    /// <summary>How its VM fares, asked of a monitor that the silo does not use; null where it has ended or does not answer.</summary>
    public async Task<RunState?> VmStateAsync(CancellationToken cancellation = default) =>
        (await Guest.Launcher.ListAsync(cancellation)).Single(vm => vm.Spec.Name == Guest.Name).State;

    public ValueTask DisposeAsync() => Guest.DisposeAsync();
}
