namespace Watari.Introspection.Walks;

/// <summary>What list walks share: the step to the next node, and an error that names the member the list runs through.</summary>
internal static class NodeWalk
{
    /// <summary>The first word of a node, which in list_head and hlist_node alike is its next.</summary>
    public static GuestVirtualAddress Next<T>(GuestKernel kernel, GuestVirtualAddress node, ulong nodeOffset) where T : struct, IKernelStruct<T>
    {
        if (kernel.AddressSpace.TryRead(node, out ulong next)) return new GuestVirtualAddress(next);
        throw Broken<T>(kernel, nodeOffset, $"a pointer of the list leads to {node}, where no memory is");
    }

    public static KernelWalkException Broken<T>(GuestKernel kernel, ulong nodeOffset, string reason) where T : struct, IKernelStruct<T> =>
        new(PathOf<T>(kernel, nodeOffset), reason);

    private static string PathOf<T>(GuestKernel kernel, ulong offset) where T : struct, IKernelStruct<T>
    {
        string structure = T.Descriptor.Names[0];
        string? member = kernel.Types.TryFind(structure, out BtfTypeId type) ? kernel.Types.PathAt(type, (int)offset) : null;
        return member is null ? $"{structure}+{offset}" : $"{structure}.{member}";
    }
}
