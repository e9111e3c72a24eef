using Watari.Introspection.Cgroups;
using Watari.Introspection.Fs;

namespace Watari.Introspection.Namespaces;

/// <summary>A task's namespaces, but for those of pids (its innermost id's) and users (its credentials') (include/linux/nsproxy.h).</summary>
[KernelStruct("nsproxy")]
public readonly partial record struct NsProxy
{
    [Field] public partial Ptr<UtsNamespace> UtsNs { get; }

    [Field] public partial Ptr<IpcNamespace> IpcNs { get; }

    [Field] public partial Ptr<MntNamespace> MntNs { get; }

    [Field] public partial Ptr<PidNamespace> PidNsForChildren { get; }

    [Field] public partial Ptr<NetNamespace> NetNs { get; }

    [Field(Optional = true)] public partial Ptr<TimeNamespace>? TimeNs { get; }

    [Field(Optional = true)] public partial Ptr<TimeNamespace>? TimeNsForChildren { get; }

    [Field(Optional = true)] public partial Ptr<CgroupNamespace>? CgroupNs { get; }
}

[KernelStruct("uts_namespace")]
public readonly partial record struct UtsNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }

    [Field("name.nodename")] public partial KernelText Nodename { get; }

    [Field("name.domainname")] public partial KernelText Domainname { get; }
}

[KernelStruct("ipc_namespace")]
public readonly partial record struct IpcNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }

    [Field] public partial KernelArray<int> SemCtls { get; }

    [Field] public partial uint MsgCtlmax { get; }

    [Field] public partial uint MsgCtlmnb { get; }

    [Field] public partial uint MsgCtlmni { get; }

    [Field] public partial ulong ShmCtlmax { get; }

    [Field] public partial ulong ShmCtlall { get; }

    [Field] public partial int ShmCtlmni { get; }

    [Field] public partial int ShmRmidForced { get; }

    [Field] public partial uint MqQueuesMax { get; }

    [Field] public partial uint MqMsgMax { get; }

    [Field] public partial uint MqMsgsizeMax { get; }

    [Field] public partial uint MqMsgDefault { get; }

    [Field] public partial uint MqMsgsizeDefault { get; }

    /// <summary>POSIX message queues that there are.</summary>
    [Field] public partial uint MqQueuesCount { get; }

    /// <summary>System V objects: semaphores 0, message queues 1, shared memory 2.</summary>
    [Field] public partial KernelStructArray<IpcIds> Ids { get; }
}

[KernelStruct("pid_namespace")]
public readonly partial record struct PidNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }

    [Field] public partial uint Level { get; }
}

[KernelStruct("user_namespace")]
public readonly partial record struct UserNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }
}

[KernelStruct("net")]
public readonly partial record struct NetNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }
}

[KernelStruct("time_namespace")]
public readonly partial record struct TimeNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }

    /// <summary>What is added to the clocks of the guest: seconds, and nanoseconds below one.</summary>
    [Field("offsets.monotonic.tv_sec")] public partial long MonotonicSeconds { get; }

    [Field("offsets.monotonic.tv_nsec")] public partial long MonotonicNanoseconds { get; }

    [Field("offsets.boottime.tv_sec")] public partial long BoottimeSeconds { get; }

    [Field("offsets.boottime.tv_nsec")] public partial long BoottimeNanoseconds { get; }
}

[KernelStruct("cgroup_namespace")]
public readonly partial record struct CgroupNamespace
{
    [Field("ns.inum")] public partial uint Inum { get; }

    /// <summary>The cgroups that a task in it sees as roots.</summary>
    [Field] public partial Ptr<CssSet> RootCset { get; }
}
