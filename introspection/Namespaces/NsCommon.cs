namespace Watari.Introspection.Namespaces;

/// <summary>What all kinds of namespaces have (include/linux/ns_common.h); an open namespace's inode keeps it as i_private.</summary>
[KernelStruct("ns_common")]
public readonly partial record struct NsCommon
{
    /// <summary>struct proc_ns_operations *: its symbol tells the kind.</summary>
    [Field] public partial GuestVirtualAddress Ops { get; }

    /// <summary>The number of its inode in nsfs.</summary>
    [Field] public partial uint Inum { get; }
}
