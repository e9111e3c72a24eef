using Watari.Checkpoint.Model;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;
using KernelText = Watari.Checkpoint.Model.KernelText;

namespace Watari.Checkpoint.Capture.Namespaces;

/// <summary>Which namespaces tasks are in, and what is to be said of those that the guest's init is not in.</summary>
internal static class NamespaceCapture
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    public static NamespaceSet Of(TaskStruct task)
    {
        TaskNamespaces set = TaskNamespaces.Of(task);
        return new NamespaceSet
        {
            Pid = set.Pid,
            Net = set.Net,
            Ipc = set.Ipc,
            Uts = set.Uts,
            Mnt = set.Mnt,
            User = set.User,
            Cgroup = set.Cgroup,
            Time = set.Time,
        };
    }

    public static Model.UtsNamespace Capture(Introspection.Namespaces.UtsNamespace uts) =>
        new(uts.Inum, TextOf(uts.Nodename), TextOf(uts.Domainname));

    public static Model.IpcNamespace Capture(Introspection.Namespaces.IpcNamespace ipc) => new()
    {
        Inum = ipc.Inum,
        SemaphoreControls = [.. ipc.SemCtls.ToArray().Select(control => (uint)control)],
        MessageMax = ipc.MsgCtlmax,
        MessageQueueBytes = ipc.MsgCtlmnb,
        MessageQueues = ipc.MsgCtlmni,
        SharedMemoryMax = ipc.ShmCtlmax,
        SharedMemoryAll = ipc.ShmCtlall,
        SharedMemorySegments = (uint)ipc.ShmCtlmni,
        SharedMemoryRemoveForced = ipc.ShmRmidForced != 0,
        PosixQueues = ipc.MqQueuesMax,
        PosixMessages = ipc.MqMsgMax,
        PosixMessageSize = ipc.MqMsgsizeMax,
        PosixMessagesDefault = ipc.MqMsgDefault,
        PosixMessageSizeDefault = ipc.MqMsgsizeDefault,
    };

    /// <summary>The clocks as a task's time namespace shows them.</summary>
    public static ContainerClocks Clocks(TaskStruct task, GuestClocks clocks)
    {
        if (task.Nsproxy.Value.TimeNs is not { IsNull: false } time)
            return new ContainerClocks(new Nanoseconds(clocks.Monotonic), new Nanoseconds(clocks.Boottime));
        TimeNamespace offsets = time.Value;
        return new ContainerClocks(
            new Nanoseconds(clocks.Monotonic + offsets.MonotonicSeconds * NanosecondsPerSecond + offsets.MonotonicNanoseconds),
            new Nanoseconds(clocks.Boottime + offsets.BoottimeSeconds * NanosecondsPerSecond + offsets.BoottimeNanoseconds));
    }

    private static string TextOf(Introspection.Types.KernelText text)
    {
        Span<byte> bytes = stackalloc byte[65]; // __NEW_UTS_LEN + 1
        return KernelText.Decode(bytes[..text.CopyTo(bytes)]);
    }
}
