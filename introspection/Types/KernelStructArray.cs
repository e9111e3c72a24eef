namespace Watari.Introspection.Types;

/// <summary>An array of structures inside a kernel structure, or at an address.</summary>
public readonly record struct KernelStructArray<T>(GuestKernel Kernel, GuestVirtualAddress Address, int Length) where T : struct, IKernelStruct<T>
{
    /// <exception cref="KernelWalkException">The array has no such element in this kernel.</exception>
    public T this[int index]
    {
        get
        {
            if ((uint)index >= (uint)Length) throw Astray($"has {Length} elements, and element {index} is asked for");
            GuestVirtualAddress at = Address + (ulong)index * (ulong)Kernel.SizeOf<T>();
            Kernel.TakeSteps(1);
            Kernel.Follow(Address, at);
            return T.At(Kernel, at);
        }
    }

    /// <inheritdoc cref="KernelArray{T}.OfLength"/>
    public KernelStructArray<T> OfLength(int length)
    {
        if ((uint)length > (uint)Kernel.Limits.Entries) throw Astray($"has {length} elements, and the limit is {Kernel.Limits.Entries}");
        return this with { Length = length };
    }

    private KernelWalkException Astray(string reason) => Kernel.Astray(Address, $"{T.Descriptor.Names[0]}[]", reason);
}
