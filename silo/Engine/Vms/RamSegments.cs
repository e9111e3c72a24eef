using Watari.Hypervisor;
using Watari.Introspection.Memory;

namespace Watari.Silo.Engine.Vms;

/// <summary>QEMU's RAM regions as introspection's physical memory: the one place where the two meet.</summary>
internal static class RamSegments
{
    /// <summary>Valid for as long as <paramref name="ram"/> is mapped.</summary>
    public static unsafe GuestMemorySegment[] Of(GuestRam ram) =>
    [
        .. ram.Regions.Select(region => new GuestMemorySegment(
            new Introspection.Memory.GuestPhysicalAddress(region.Start.Value), (nint)region.Pointer, region.Length)),
    ];
}
