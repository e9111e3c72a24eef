using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Types;

/// <summary>An array of integers inside a kernel structure.</summary>
public readonly record struct KernelArray<T>(GuestKernel Kernel, GuestVirtualAddress Address, int Length) where T : unmanaged
{
    public T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
            return Kernel.AddressSpace.Read<T>(Address + (ulong)index * (ulong)Unsafe.SizeOf<T>());
        }
    }

    /// <summary>
    /// The same place with a length that is known only now: for an array at a structure's end that C declares without one, or
    /// one that a pointer leads to.
    /// </summary>
    public KernelArray<T> OfLength(int length)
    {
        if ((uint)length > (uint)Kernel.Limits.Entries) throw new KernelWalkException($"{typeof(T).Name}[]", $"has {length} elements, and the limit is {Kernel.Limits.Entries}");
        return this with { Length = length };
    }

    /// <summary>Copies the array's beginning, as much as the destination holds.</summary>
    /// <returns>How many elements were copied.</returns>
    public int CopyTo(Span<T> destination)
    {
        int count = Math.Min(Length, destination.Length);
        Kernel.AddressSpace.Read(Address, MemoryMarshal.AsBytes(destination[..count]));
        return count;
    }

    public T[] ToArray()
    {
        T[] copy = new T[OfLength(Length).Length];
        CopyTo(copy);
        return copy;
    }
}
