using Watari.Introspection.Tasks;

namespace Watari.Introspection.Namespaces;

/// <summary>
/// The inode numbers of a task's namespaces, as /proc/PID/ns shows them. 0 where the kernel lacks a kind; of a zombie, all but the
/// first and that of its user.
/// </summary>
public readonly record struct TaskNamespaces(uint Pid, uint Net, uint Ipc, uint Uts, uint Mnt, uint User, uint Cgroup, uint Time)
{
    public static TaskNamespaces Of(TaskStruct task)
    {
        uint pid = PidNamespace.At(task.Kernel, task.ThreadPid.Value.Innermost.Ns).Inum;
        uint user = task.Cred.Value.UserNs.Value.Inum;
        if (!task.Nsproxy.TryGet(out NsProxy proxy)) return new TaskNamespaces(pid, 0, 0, 0, 0, user, 0, 0);
        return new TaskNamespaces(
            pid,
            proxy.NetNs.Value.Inum,
            proxy.IpcNs.Value.Inum,
            proxy.UtsNs.Value.Inum,
            proxy.MntNs.Value.Inum,
            user,
            proxy.CgroupNs?.Value.Inum ?? 0,
            proxy.TimeNs?.Value.Inum ?? 0);
    }
}
