using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Tasks;
using Watari.Introspection.Types;
using Watari.Introspection.Walks;

namespace Watari.Checkpoint.Capture;

/// <summary>
/// System V objects and POSIX message queues, none of which is carried. They belong to a namespace and not to a process: in one
/// of the container's own all of them are the container's; in the guest's own those are its, of which a process of it was the
/// maker or the last user.
/// </summary>
internal static class IpcVerdicts
{
    private static readonly string[] Kinds = ["semaphores", "message queue", "shared memory"];

    public static void Judge(IpcNamespace space, bool isOwn, CaptureContext context)
    {
        for (int kind = 0; kind < Kinds.Length; kind++)
        {
            if (space.Ids[kind].InUse == 0)
                continue;
            if (isOwn)
                context.Refuse("ipc namespace", $"System V {Kinds[kind]}");
            else if (space.Ids[kind].Objects is { } objects)
                JudgeUsers(kind, objects, context);
        }
        if (isOwn && space.MqQueuesCount != 0)
            context.Refuse("ipc namespace", "POSIX message queues");
    }

    private static void JudgeUsers(int kind, Xarray objects, CaptureContext context)
    {
        int left = context.Kernel.Limits.Entries;
        foreach (XarrayEntry entry in objects.Entries)
        {
            if (entry.IsValue || UserOf(kind, entry.Pointer, ref left, context) is not { } user)
                continue;
            int id = KernIpcPerm.At(context.Kernel, entry.Pointer).Id;
            context.Refuse($"System V {Kinds[kind]} {id}", $"process {user} has made or used it, and it stays in the guest");
        }
    }

    /// <summary>A process of the container that the object names; null where there is none.</summary>
    /// <exception cref="KernelWalkException">There are more objects and semaphores than there can be.</exception>
    private static int? UserOf(int kind, GuestVirtualAddress address, ref int left, CaptureContext context)
    {
        if (--left < 0) throw Endless(context);
        switch (kind)
        {
            case 0:
                KernelStructArray<Sem> semaphores = SemArray.At(context.Kernel, address).Semaphores;
                if ((left -= semaphores.Length) < 0) throw Endless(context);
                for (int i = 0; i < semaphores.Length; i++)
                {
                    if (Inside(semaphores[i].Sempid, context) is { } changed)
                        return changed;
                }
                return null;
            case 1:
                var queue = MsgQueue.At(context.Kernel, address);
                return Inside(queue.QLspid, context) ?? Inside(queue.QLrpid, context);
            default:
                var memory = ShmidKernel.At(context.Kernel, address);
                return Inside(memory.ShmCprid, context) ?? Inside(memory.ShmLprid, context);
        }
    }

    private static KernelWalkException Endless(CaptureContext context) =>
        new("ipc_ids.ipcs_idr", $"more than {context.Kernel.Limits.Entries} objects and semaphores");

    private static int? Inside(Ptr<PidStruct> pid, CaptureContext context)
    {
        if (!pid.TryGet(out PidStruct process))
            return null;
        int first = process.Ids[0].Nr;
        return context.IsProcess(first) ? first : null;
    }
}
