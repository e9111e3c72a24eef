namespace Watari.Introspection.Kernel;

/// <summary>The array of struct page at vmemmap_base, one for each frame (CONFIG_SPARSEMEM_VMEMMAP).</summary>
public sealed class PageMap
{
    private readonly GuestVirtualAddress _base;
    private readonly Lazy<ulong> _pageSize;

    internal PageMap(GuestKernel kernel)
    {
        _base = kernel.Symbols.TryFind("vmemmap_base"u8, out GuestVirtualAddress variable)
            ? new GuestVirtualAddress(kernel.AddressSpace.Read<ulong>(variable))
            // Without CONFIG_DYNAMIC_MEMORY_LAYOUT it is a constant: __VMEMMAP_BASE_L4, _L5.
            : new GuestVirtualAddress(kernel.Paging.Levels == 5 ? 0xffd4_0000_0000_0000 : 0xffff_ea00_0000_0000);
        _pageSize = new Lazy<ulong>(() => (ulong)Math.Max(kernel.Types.SizeOf(kernel.Types.Find("page")), 1));
    }

    /// <summary>The address of a frame's struct page.</summary>
    public GuestVirtualAddress PageOf(PageFrameNumber frame) => _base + frame.Value * _pageSize.Value;

    /// <summary>The frame of a struct page.</summary>
    public PageFrameNumber FrameOf(GuestVirtualAddress page) => new((page - _base) / _pageSize.Value);
}
