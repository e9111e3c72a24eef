using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Watari.Introspection.Kernel;

/// <summary>What the generated properties of typed kernel structures call.</summary>
public sealed partial class GuestKernel
{
    /// <summary>The bytes that a structure takes up in this kernel.</summary>
    public int SizeOf<T>() where T : struct, IKernelStruct<T> => (int)Present(T.Descriptor.FirstSlot).Offset;

    /// <summary>Whether this kernel has the member of a slot.</summary>
    public bool HasField(int slot) => !Layout.Slot(slot).IsAbsent;

    /// <summary>An integer member.</summary>
    /// <exception cref="KernelWalkException">The structure is not in memory.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T ReadField<T>(GuestVirtualAddress structure, int slot) where T : unmanaged
    {
        KernelSlot place = Layout.Slot(slot);
        if (place.IsAbsent) ThrowMissing(slot);
        GuestVirtualAddress address = structure + place.Offset;
        return AddressSpace.TryRead(address, out T value) ? value : ReadFieldPiecewise<T>(structure, address, slot);
    }

    /// <summary>A member that is a pointer.</summary>
    /// <exception cref="KernelWalkException">The structure is not in memory.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GuestVirtualAddress ReadPointer(GuestVirtualAddress structure, int slot)
    {
        var pointer = new GuestVirtualAddress(ReadField<ulong>(structure, slot));
        Follow(structure, pointer, slot);
        return pointer;
    }

    /// <summary>An integer member of any width; sign-extended if it is signed.</summary>
    public long ReadBits(GuestVirtualAddress structure, int slot)
    {
        KernelSlot place = Present(slot);
        GuestVirtualAddress address = structure + place.Offset;
        ulong raw;
        try
        {
            raw = (place.BitShift + place.BitWidth) switch
            {
                <= 8 => AddressSpace.Read<byte>(address),
                <= 16 => AddressSpace.Read<ushort>(address),
                <= 32 => AddressSpace.Read<uint>(address),
                _ => AddressSpace.Read<ulong>(address),
            };
        }
        catch (IntrospectionException failure) when (failure is GuestMemoryException or PageNotPresentException)
        {
            throw Astray(structure, KernelLayout.PathOf(slot), $"cannot be read at {address}", failure);
        }

        int unused = 64 - place.BitWidth;
        ulong top = raw >> place.BitShift << unused;
        return place.BitsSigned ? (long)top >> unused : (long)(top >> unused);
    }

    /// <summary>Where a member lies: a structure or an array within the structure.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GuestVirtualAddress FieldAddress(GuestVirtualAddress structure, int slot)
    {
        KernelSlot place = Layout.Slot(slot);
        if (place.IsAbsent) ThrowMissing(slot);
        GuestVirtualAddress address = structure + place.Offset;
        Follow(structure, address, slot);
        return address;
    }

    /// <summary>The length that this kernel's types give an array.</summary>
    public int FieldLength(int slot) => Present(slot).Length;

    /// <summary>Copies what lies at a kernel address.</summary>
    /// <param name="what">What it is, for the error.</param>
    /// <exception cref="KernelWalkException">Not all of it is in memory.</exception>
    internal void Copy(GuestVirtualAddress address, Span<byte> destination, string what) => Copy(address, address, destination, what);

    /// <param name="structure">The array or structure that it is of.</param>
    internal void Copy(GuestVirtualAddress structure, GuestVirtualAddress address, Span<byte> destination, string what)
    {
        try
        {
            AddressSpace.Read(address, destination);
        }
        catch (IntrospectionException failure) when (failure is GuestMemoryException or PageNotPresentException)
        {
            throw Astray(structure, what, $"{destination.Length} bytes at {address} cannot be read", failure);
        }
    }

    /// <summary>The bytes at a kernel address up to the end of its page, at most so many, in place.</summary>
    /// <exception cref="KernelWalkException">They are not in memory.</exception>
    internal ReadOnlySpan<byte> InPage(GuestVirtualAddress structure, GuestVirtualAddress address, int length, string what)
    {
        length = Math.Min(length, GuestPage.Size - (int)address.PageOffset);
        return AddressSpace.TryGetSpan(address, length, out ReadOnlySpan<byte> span) ? span : throw Astray(structure, what, $"cannot be read at {address}");
    }

    private KernelSlot Present(int slot)
    {
        KernelSlot place = Layout.Slot(slot);
        if (place.IsAbsent) ThrowMissing(slot);
        return place;
    }

    [DoesNotReturn]
    private static void ThrowMissing(int slot) => throw KernelLayout.Missing(slot);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T ReadFieldPiecewise<T>(GuestVirtualAddress structure, GuestVirtualAddress address, int slot) where T : unmanaged
    {
        try
        {
            return AddressSpace.Read<T>(address);
        }
        catch (IntrospectionException failure) when (failure is GuestMemoryException or PageNotPresentException)
        {
            throw Astray(structure, KernelLayout.PathOf(slot), $"cannot be read at {address}", failure);
        }
    }
}
