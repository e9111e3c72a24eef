namespace Watari.Introspection.Types;

/// <summary>A pointer to a kernel structure.</summary>
public readonly record struct Ptr<T>(GuestKernel Kernel, GuestVirtualAddress Address) where T : struct, IKernelStruct<T>
{
    public bool IsNull => Address.IsNull;

    /// <summary>What it points to.</summary>
    /// <exception cref="KernelWalkException">It is a null pointer.</exception>
    public T Value => IsNull ? throw Kernel.Astray(Address, $"struct {T.Descriptor.Names[0]} *", "is a null pointer") : T.At(Kernel, Address);

    public bool TryGet(out T value)
    {
        value = T.At(Kernel, Address);
        return !IsNull;
    }

    public override string ToString() => IsNull ? "null" : $"{T.Descriptor.Names[0]} * {Address}";
}
