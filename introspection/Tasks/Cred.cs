using Watari.Introspection.Namespaces;

namespace Watari.Introspection.Tasks;

/// <summary>Who a task acts as; ids are those of the guest's first user namespace (include/linux/cred.h).</summary>
[KernelStruct("cred")]
public readonly partial record struct Cred
{
    [Field] public partial uint Uid { get; }

    [Field] public partial uint Gid { get; }

    [Field] public partial uint Suid { get; }

    [Field] public partial uint Sgid { get; }

    [Field] public partial uint Euid { get; }

    [Field] public partial uint Egid { get; }

    [Field] public partial uint Fsuid { get; }

    [Field] public partial uint Fsgid { get; }

    [Field] public partial uint Securebits { get; }

    [Field] public partial ulong CapInheritable { get; }

    [Field] public partial ulong CapPermitted { get; }

    [Field] public partial ulong CapEffective { get; }

    [Field] public partial ulong CapBset { get; }

    [Field] public partial ulong CapAmbient { get; }

    [Field] public partial Ptr<UserNamespace> UserNs { get; }

    [Field] public partial Ptr<GroupInfo> GroupInfo { get; }
}

/// <summary>Supplementary groups (include/linux/cred.h).</summary>
[KernelStruct("group_info")]
public readonly partial record struct GroupInfo
{
    private const int MaxGroups = 65536; // NGROUPS_MAX

    [Field] public partial int Ngroups { get; }

    [Field("gid")] private partial KernelArray<uint> Gid { get; }

    public KernelArray<uint> Groups
    {
        get
        {
            int count = Ngroups;
            if ((uint)count > MaxGroups) throw Kernel.Astray(Address, "group_info.ngroups", $"is {count}; a process has {MaxGroups} groups at most");
            return Gid.OfLength(count);
        }
    }
}
