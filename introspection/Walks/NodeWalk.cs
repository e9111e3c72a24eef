namespace Watari.Introspection.Walks;

/// <summary>What list walks share: the step to the next node, and an error that names the member the list runs through.</summary>
internal static class NodeWalk
{
    /// <summary>The first word of a node, which in list_head and hlist_node alike is its next.</summary>
    public static GuestVirtualAddress Next<T>(GuestKernel kernel, GuestVirtualAddress head, GuestVirtualAddress node, ulong nodeOffset) where T : struct, IKernelStruct<T>
    {
        kernel.TakeSteps(1);
        if (kernel.AddressSpace.TryRead(node, out ulong next)) return new GuestVirtualAddress(next);
        throw Broken<T>(kernel, head, nodeOffset, $"a pointer of the list leads to {node}, where no memory is");
    }

    public static KernelWalkException Broken<T>(GuestKernel kernel, GuestVirtualAddress head, ulong nodeOffset, string reason) where T : struct, IKernelStruct<T> =>
        kernel.Astray(head, PathOf(kernel.Types, T.Descriptor, nodeOffset), reason);

    /// <summary>The member at an offset of a structure, for messages.</summary>
    public static string PathOf(BtfTypes types, KernelStructDescriptor structure, ulong offset)
    {
        string name = structure.Names[0];
        string? member = types.TryFind(name, out BtfTypeId type) ? types.PathAt(type, (int)offset) : null;
        return member is null ? $"{name}+{offset}" : $"{name}.{member}";
    }
}
