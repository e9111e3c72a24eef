namespace Watari.Introspection.Types;

/// <summary>An array of structures inside a kernel structure, or at an address.</summary>
public readonly record struct KernelStructArray<T>(GuestKernel Kernel, GuestVirtualAddress Address, int Length) where T : struct, IKernelStruct<T>
{
    public T this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Length, nameof(index));
            return T.At(Kernel, Address + (ulong)index * (ulong)Kernel.SizeOf<T>());
        }
    }

    /// <inheritdoc cref="KernelArray{T}.OfLength"/>
    public KernelStructArray<T> OfLength(int length)
    {
        if ((uint)length > (uint)Kernel.Limits.Entries) throw new KernelWalkException($"{T.Descriptor.Names[0]}[]", $"has {length} elements, and the limit is {Kernel.Limits.Entries}");
        return this with { Length = length };
    }
}
