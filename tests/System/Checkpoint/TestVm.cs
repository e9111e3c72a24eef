using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.SystemTests.Checkpoint;

/// <summary>A guest's VM as introspection sees it: its memory, to be read and written, and its CPUs.</summary>
internal sealed class TestVm(VirtualMachine vm) : IVcpuControl
{
    public GuestKernel Kernel { get; } = GuestKernel.Attach(new GuestPhysicalMemory(Segments(vm)));

    public GuestMemoryWriter Writer { get; } = new(Segments(vm));

    /// <summary>Holds the guest still until the result is disposed.</summary>
    public StillGuest Hold() => StillGuest.Pause(Kernel, this);

    void IVcpuControl.Pause() => vm.PauseAsync().GetAwaiter().GetResult();

    void IVcpuControl.Resume() => vm.ResumeAsync().GetAwaiter().GetResult();

    private static unsafe List<GuestMemorySegment> Segments(VirtualMachine vm) =>
        [.. vm.Ram.Regions.Select(region => new GuestMemorySegment(new(region.Start.Value), (nint)region.Pointer, region.Length))];
}
