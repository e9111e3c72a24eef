using Watari.Hypervisor;
using Watari.Introspection.Memory;
using Watari.Silo.Engine.Vms;

namespace Watari.SystemTests.Introspection;

/// <summary>A VM's RAM as introspection reads it.</summary>
internal static class GuestMemoryOf
{
    public static GuestPhysicalMemory Vm(VirtualMachine vm) => new(new RamSegments(vm.Ram).Segments);
}
