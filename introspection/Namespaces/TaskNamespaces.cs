using Watari.Introspection.Tasks;

namespace Watari.Introspection.Namespaces;

/// <summary>The inode numbers of a task's namespaces, as /proc/PID/ns shows them. 0 where the kernel lacks a kind.</summary>
public readonly record struct TaskNamespaces(uint Pid, uint Net, uint Ipc, uint Uts, uint Mnt, uint User, uint Cgroup, uint Time)
{
    /// <summary>The namespaces of a task that has not exited.</summary>
    public static TaskNamespaces Of(TaskStruct task)
    {
        NsProxy proxy = task.Nsproxy.Value;
        GuestVirtualAddress pidNamespace = task.ThreadPid.Value.Innermost.Ns;
        return new TaskNamespaces(
            PidNamespace.At(task.Kernel, pidNamespace).Inum,
            proxy.NetNs.Value.Inum,
            proxy.IpcNs.Value.Inum,
            proxy.UtsNs.Value.Inum,
            proxy.MntNs.Value.Inum,
            task.Cred.Value.UserNs.Value.Inum,
            proxy.CgroupNs?.Value.Inum ?? 0,
            proxy.TimeNs?.Value.Inum ?? 0);
    }
}
