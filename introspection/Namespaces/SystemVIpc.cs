using Watari.Introspection.Tasks;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Namespaces;

/// <summary>System V objects of one kind (include/linux/ipc_namespace.h).</summary>
[KernelStruct("ipc_ids")]
public readonly partial record struct IpcIds
{
    /// <summary>How many there are.</summary>
    [Field] public partial int InUse { get; }

    /// <summary>struct kern_ipc_perm * by number, with which each of the objects begins.</summary>
    [Embedded("ipcs_idr.idr_rt", Optional = true)] public partial Xarray? Objects { get; }
}

/// <summary>What objects of all kinds begin with (include/linux/ipc.h).</summary>
[KernelStruct("kern_ipc_perm")]
public readonly partial record struct KernIpcPerm
{
    /// <summary>As ipcs(1) shows it.</summary>
    [Field] public partial int Id { get; }
}

/// <summary>A set of semaphores (ipc/sem.c).</summary>
[KernelStruct("sem_array")]
public readonly partial record struct SemArray
{
    private const int MaxSemaphores = 32000; // SEMMSL

    [Field] public partial int SemNsems { get; }

    [Field] private partial KernelStructArray<Sem> Sems { get; }

    public KernelStructArray<Sem> Semaphores
    {
        get
        {
            int count = SemNsems;
            if ((uint)count > MaxSemaphores) throw Kernel.Astray(Address, "sem_array.sem_nsems", $"is {count}; a set has {MaxSemaphores} semaphores at most");
            return Sems.OfLength(count);
        }
    }
}

[KernelStruct("sem")]
public readonly partial record struct Sem
{
    /// <summary>The process that changed it last; null where none has.</summary>
    [Field] public partial Ptr<PidStruct> Sempid { get; }
}

/// <summary>ipc/msg.c.</summary>
[KernelStruct("msg_queue")]
public readonly partial record struct MsgQueue
{
    /// <summary>The process that sent last; null where none has.</summary>
    [Field] public partial Ptr<PidStruct> QLspid { get; }

    /// <summary>The process that received last.</summary>
    [Field] public partial Ptr<PidStruct> QLrpid { get; }
}

/// <summary>A segment of shared memory (ipc/shm.c).</summary>
[KernelStruct("shmid_kernel")]
public readonly partial record struct ShmidKernel
{
    /// <summary>The process that made it.</summary>
    [Field] public partial Ptr<PidStruct> ShmCprid { get; }

    /// <summary>The process that attached or detached it last.</summary>
    [Field] public partial Ptr<PidStruct> ShmLprid { get; }
}
