using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Watari.Introspection.Types;

/// <summary>An array of integers inside a kernel structure.</summary>
public readonly record struct KernelArray<T>(GuestKernel Kernel, GuestVirtualAddress Address, int Length) where T : unmanaged
{
    /// <exception cref="KernelWalkException">The array has no such element in this kernel, or it is not in memory.</exception>
    public T this[int index]
    {
        get
        {
            if ((uint)index >= (uint)Length) throw Astray($"has {Length} elements, and element {index} is asked for");
            GuestVirtualAddress at = Address + (ulong)index * (ulong)Unsafe.SizeOf<T>();
            return Kernel.AddressSpace.TryRead(at, out T value) ? value : ReadPiecewise(at);
        }
    }

    /// <summary>
    /// The same place with a length that is known only now: for an array at a structure's end that C declares without one, or
    /// one that a pointer leads to.
    /// </summary>
    public KernelArray<T> OfLength(int length)
    {
        if ((uint)length > (uint)Kernel.Limits.Entries) throw Astray($"has {length} elements, and the limit is {Kernel.Limits.Entries}");
        return this with { Length = length };
    }

    /// <summary>Copies the array's beginning, as much as the destination holds.</summary>
    /// <returns>How many elements were copied.</returns>
    public int CopyTo(Span<T> destination)
    {
        int count = Math.Min(Length, destination.Length);
        Kernel.Copy(Address, MemoryMarshal.AsBytes(destination[..count]), Name);
        return count;
    }

    public T[] ToArray()
    {
        Kernel.TakeBytes((long)OfLength(Length).Length * Unsafe.SizeOf<T>());
        T[] copy = new T[Length];
        CopyTo(copy);
        return copy;
    }

    private static string Name => $"{typeof(T).Name}[]";

    private T ReadPiecewise(GuestVirtualAddress at)
    {
        T value = default;
        Kernel.Copy(Address, at, MemoryMarshal.AsBytes(new Span<T>(ref value)), Name);
        return value;
    }

    private KernelWalkException Astray(string reason) => Kernel.Astray(Address, Name, reason);
}
