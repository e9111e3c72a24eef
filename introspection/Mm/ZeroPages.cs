namespace Watari.Introspection.Mm;

/// <summary>
/// The pages of zeroes that the kernel maps where a process has read but never written; they need not be saved.
/// </summary>
public readonly record struct ZeroPages
{
    private const ulong NoHugePage = ulong.MaxValue;
    private const ulong HugePagePages = 512;

    private readonly ulong _small;
    private readonly ulong _huge;

    /// <summary>As they are now: the huge one comes and goes.</summary>
    public ZeroPages(GuestKernel kernel)
    {
        _small = kernel.AddressSpace.Read<ulong>(kernel.Symbols.Find("zero_pfn"));
        _huge = kernel.Symbols.TryFind("huge_zero_pfn"u8, out GuestVirtualAddress huge) ? kernel.AddressSpace.Read<ulong>(huge) : NoHugePage;
    }

    public bool Contains(PageFrameNumber frame) =>
        frame.Value == _small || (_huge != NoHugePage && frame.Value - _huge < HugePagePages);
}
