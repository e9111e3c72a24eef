using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Silo.Engine.Vms;

namespace Watari.SystemTests.Checkpoint;

/// <summary>A guest's VM as introspection sees it: its memory, to be read and written, and its CPUs.</summary>
internal sealed class TestVm : IVcpuControl
{
    private readonly VirtualMachine _vm;

    public TestVm(VirtualMachine vm)
    {
        _vm = vm;
        IReadOnlyList<GuestMemorySegment> ram = new RamSegments(vm.Ram).Segments;
        Kernel = GuestKernel.Attach(new GuestPhysicalMemory(ram));
        Writer = new GuestMemoryWriter(ram);
    }

    public GuestKernel Kernel { get; }

    public GuestMemoryWriter Writer { get; }

    /// <summary>Holds the guest still until the result is disposed.</summary>
    public StillGuest Hold() => StillGuest.Pause(Kernel, this);

    void IVcpuControl.Pause() => _vm.PauseAsync().GetAwaiter().GetResult();

    void IVcpuControl.Resume() => _vm.ResumeAsync().GetAwaiter().GetResult();
}
