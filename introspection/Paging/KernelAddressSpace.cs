using System.Runtime.CompilerServices;

namespace Watari.Introspection.Paging;

/// <summary>
/// The kernel's half of memory. Its direct map of all RAM and its own image are linear, so nearly every kernel object is read
/// with one subtraction; only vmalloc, vmemmap and modules need the page tables
/// (Documentation/arch/x86/x86_64/mm.rst).
/// </summary>
public sealed class KernelAddressSpace
{
    private readonly ulong _directMap;
    private readonly ulong _directMapLength;
    private readonly KernelImage _image;
    private volatile TranslationCache _cache = new();

    public KernelAddressSpace(AddressSpace tables, KernelImage image, GuestVirtualAddress directMap)
    {
        Tables = tables;
        _image = image;
        _directMap = directMap.Value;
        _directMapLength = tables.Memory.End.Value;
    }

    public GuestPhysicalMemory Memory => Tables.Memory;

    /// <summary>The kernel's own page tables (swapper_pg_dir).</summary>
    public AddressSpace Tables { get; }

    /// <summary>Where all of RAM is mapped, byte by byte (page_offset_base).</summary>
    public GuestVirtualAddress DirectMap => new(_directMap);

    /// <summary>A value at a kernel address.</summary>
    /// <exception cref="PageNotPresentException">The address is not mapped.</exception>
    /// <exception cref="GuestMemoryException">It leads out of RAM.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Read<T>(GuestVirtualAddress address) where T : unmanaged =>
        TryRead(address, out T value) ? value : ReadPiecewise<T>(address);

    /// <summary>A value that does not straddle two pages; false if its address leads nowhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryRead<T>(GuestVirtualAddress address, out T value) where T : unmanaged
    {
        ulong offset = unchecked(address.Value - _directMap);
        if (offset < _directMapLength) return Memory.TryRead(new GuestPhysicalAddress(offset), out value);
        return TryReadBeyondDirectMap(address, out value);
    }

    /// <summary>Copies what lies at a kernel address.</summary>
    public void Read(GuestVirtualAddress address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int length = Math.Min(destination.Length, GuestPage.Size - (int)address.PageOffset);
            Memory.Copy(Translate(address), destination[..length]);
            destination = destination[length..];
            address += (ulong)length;
        }
    }

    /// <summary>The bytes at a kernel address, in place, if they lie in one piece of physical memory.</summary>
    public bool TryGetSpan(GuestVirtualAddress address, int length, out ReadOnlySpan<byte> span)
    {
        span = default;
        if (!IsLinear(address, length) && (int)address.PageOffset + length > GuestPage.Size) return false;
        return TryTranslate(address, out GuestPhysicalAddress physical) && Memory.TryGetSpan(physical, length, out span);
    }

    public GuestPhysicalAddress Translate(GuestVirtualAddress address) =>
        TryTranslate(address, out GuestPhysicalAddress physical) ? physical : throw new PageNotPresentException(address);

    public bool TryTranslate(GuestVirtualAddress address, out GuestPhysicalAddress physical)
    {
        ulong offset = unchecked(address.Value - _directMap);
        if (offset < _directMapLength)
        {
            physical = new GuestPhysicalAddress(offset);
            return true;
        }

        if (_image.TryTranslate(address, out physical)) return true;
        if (!address.IsKernel) return false;
        TranslationCache cache = _cache; // another thread may forget it during the walk, which then must not be remembered
        if (cache.TryGet(address, out physical)) return true;
        if (!TryWalk(address, out physical)) return false;
        cache.Add(address, physical);
        return true;
    }

    /// <summary>Forgets where mappings led: they may have changed while the guest ran.</summary>
    public void ForgetTranslations() => _cache = new TranslationCache();

    private bool IsLinear(GuestVirtualAddress address, int length) =>
        (address.Value - _directMap < _directMapLength && address.Value - _directMap + (ulong)length <= _directMapLength)
        || (_image.Contains(address) && _image.Contains(address + (ulong)Math.Max(length - 1, 0)));

    private bool TryWalk(GuestVirtualAddress address, out GuestPhysicalAddress physical)
    {
        try
        {
            return Tables.TryTranslate(address, out physical);
        }
        catch (GuestMemoryException)
        {
            physical = default;
            return false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReadBeyondDirectMap<T>(GuestVirtualAddress address, out T value) where T : unmanaged
    {
        value = default;
        return (int)address.PageOffset + Unsafe.SizeOf<T>() <= GuestPage.Size
            && TryTranslate(address, out GuestPhysicalAddress physical)
            && Memory.TryRead(physical, out value);
    }

    private T ReadPiecewise<T>(GuestVirtualAddress address) where T : unmanaged
    {
        T value = default;
        Read(address, System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }
}
