namespace Watari.Introspection.Paging;

/// <summary>
/// The kernel's text and data, mapped linearly at __START_KERNEL_map wherever KASLR has put them
/// (arch/x86/include/asm/page_64_types.h).
/// </summary>
/// <param name="PhysicalBase">VMCOREINFO's phys_base; negative where the kernel was loaded below its link address.</param>
/// <param name="Start">The first address of the image.</param>
/// <param name="End">The address after it; modules live above.</param>
public readonly record struct KernelImage(long PhysicalBase, GuestVirtualAddress Start, GuestVirtualAddress End)
{
    /// <summary>__START_KERNEL_map.</summary>
    public static GuestVirtualAddress MapStart => new(0xffff_ffff_8000_0000);

    /// <summary>As much as an image can take up with KASLR: KERNEL_IMAGE_SIZE.</summary>
    public static KernelImage Widest(long physicalBase) => new(physicalBase, MapStart, MapStart + (1UL << 30));

    public bool Contains(GuestVirtualAddress address) => Start <= address && address < End;

    public GuestPhysicalAddress Translate(GuestVirtualAddress address) =>
        new(unchecked(address.Value - MapStart.Value + (ulong)PhysicalBase));

    public bool TryTranslate(GuestVirtualAddress address, out GuestPhysicalAddress physical)
    {
        physical = Translate(address);
        return Contains(address);
    }
}
