using Watari.Hypervisor;
using Watari.Introspection.Memory;

namespace Watari.SystemTests.Introspection;

/// <summary>A VM's RAM as introspection reads it.</summary>
internal static class GuestMemoryOf
{
    public static unsafe GuestPhysicalMemory Vm(VirtualMachine vm) =>
        new(vm.Ram.Regions.Select(region => new GuestMemorySegment(new(region.Start.Value), (nint)region.Pointer, region.Length)));
}
