namespace Watari.Introspection.Types;

/// <summary>
/// A structure in a kernel's memory: which kernel, and where. Implemented by the source generator for
/// <see cref="KernelStructAttribute"/> types; reading a property reads guest memory at that moment.
/// </summary>
public interface IKernelStruct<TSelf> where TSelf : struct, IKernelStruct<TSelf>
{
    /// <summary>How the structure and its members are found in a kernel's types.</summary>
    static abstract KernelStructDescriptor Descriptor { get; }

    GuestKernel Kernel { get; }

    GuestVirtualAddress Address { get; }

    static abstract TSelf At(GuestKernel kernel, GuestVirtualAddress address);
}
