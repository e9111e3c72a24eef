using Watari.Introspection.Cgroups;
using Watari.Introspection.Fs;
using Watari.Introspection.Mm;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Tasks;

/// <summary>A thread of the guest, or a process by its leader (include/linux/sched.h).</summary>
[KernelStruct("task_struct")]
public readonly partial record struct TaskStruct
{
    /// <summary>The thread's id in the guest's first pid namespace.</summary>
    [Field] public partial int Pid { get; }

    /// <summary>The process's id in the guest's first pid namespace.</summary>
    [Field] public partial int Tgid { get; }

    [Field] public partial KernelText Comm { get; }

    /// <summary>TASK_* as in include/linux/sched.h; __state since 2f064a59a11f, v5.14, before it a long.</summary>
    [BitField("__state", "state")] public partial uint State { get; }

    [Field] public partial int ExitState { get; }

    [Field] public partial int ExitCode { get; }

    /// <summary>PF_*.</summary>
    [Field] public partial uint Flags { get; }

    /// <summary>Its node in the list of all processes.</summary>
    [Embedded] public partial ListHead Tasks { get; }

    /// <summary>Its node in its process's list of threads.</summary>
    [Embedded] public partial ListHead ThreadNode { get; }

    [Embedded] public partial ListHead Children { get; }

    [Embedded] public partial ListHead Sibling { get; }

    [Field] public partial Ptr<TaskStruct> GroupLeader { get; }

    [Field] public partial Ptr<TaskStruct> RealParent { get; }

    /// <summary>Who is told of its end: the tracer of a traced task.</summary>
    [Field] public partial Ptr<TaskStruct> Parent { get; }

    [Field] public partial Ptr<SignalStruct> Signal { get; }

    [Field] public partial Ptr<PidStruct> ThreadPid { get; }

    /// <summary>Shared by its threads; null for the kernel's own.</summary>
    [Field] public partial Ptr<MmStruct> Mm { get; }

    [Field] public partial Ptr<FilesStruct> Files { get; }

    [Field] public partial Ptr<FsStruct> Fs { get; }

    [Field] public partial Ptr<NsProxy> Nsproxy { get; }

    [Field] public partial Ptr<CssSet> Cgroups { get; }

    /// <summary>The credentials that it acts with.</summary>
    [Field] public partial Ptr<Cred> Cred { get; }

    [Field] public partial Ptr<SighandStruct> Sighand { get; }

    /// <summary>Signals for this thread alone; those for the process wait in <see cref="SignalStruct.SharedPending"/>.</summary>
    [Embedded] public partial SigPending Pending { get; }

    [Field] public partial ulong Blocked { get; }

    /// <summary>What <see cref="Blocked"/> will be again when sigtimedwait is over, which unblocks what it waits for; else 0.</summary>
    [Field] public partial ulong RealBlocked { get; }

    /// <summary>What <see cref="Blocked"/> will be again, if <see cref="RestoreSigmask"/> is set (sigsuspend, ppoll).</summary>
    [Field] public partial ulong SavedSigmask { get; }

    [BitField] public partial bool RestoreSigmask { get; }

    [Field] public partial ulong SasSsSp { get; }

    [Field] public partial ulong SasSsSize { get; }

    [Field] public partial uint SasSsFlags { get; }

    /// <summary>JOBCTL_* (include/linux/sched/jobctl.h).</summary>
    [Field] public partial ulong Jobctl { get; }

    /// <summary>Stopped by the cgroup freezer (since v5.2).</summary>
    [BitField] public partial bool Frozen { get; }

    /// <summary>It runs on a CPU, its registers being there.</summary>
    [BitField] public partial bool OnCpu { get; }

    /// <summary>TIF_* (arch/x86/include/asm/thread_info.h).</summary>
    [Field("thread_info.flags")] public partial ulong ThreadInfoFlags { get; }

    /// <summary>The lowest address of its kernel stack.</summary>
    [Field] public partial GuestVirtualAddress Stack { get; }

    /// <summary>Its tracer's flags, PT_*; 0 if it is not traced.</summary>
    [Field] public partial uint Ptrace { get; }

    [Field] public partial int PdeathSignal { get; }

    [Field] public partial uint Personality { get; }

    /// <summary>PFA_*; bit 0 is no_new_privs.</summary>
    [Field] public partial ulong AtomicFlags { get; }

    [Field(Optional = true)] public partial uint? Loginuid { get; }

    [Field("seccomp.mode", Optional = true)] public partial int? SeccompMode { get; }

    /// <summary>struct seccomp_filter *.</summary>
    [Field("seccomp.filter", Optional = true)] public partial GuestVirtualAddress? SeccompFilter { get; }

    /// <summary>Nice value plus 120.</summary>
    [Field] public partial int StaticPrio { get; }

    /// <summary>SCHED_*.</summary>
    [Field] public partial uint Policy { get; }

    [Field] public partial uint RtPriority { get; }

    /// <summary>Where the program wants to be told of its end; the rest of the line of set_tid_address and set_robust_list.</summary>
    [Field] public partial GuestVirtualAddress ClearChildTid { get; }

    [Field("robust_list", "futex.robust_list")] public partial GuestVirtualAddress RobustList { get; }

    [Field("rseq", "rseq.usrptr", Optional = true)] public partial GuestVirtualAddress? Rseq { get; }

    [Field("rseq_len", "rseq.len", Optional = true)] public partial uint? RseqLen { get; }

    [Field("rseq_sig", "rseq.sig", Optional = true)] public partial uint? RseqSig { get; }

    [Field] public partial ulong TimerSlackNs { get; }

    /// <summary>Nanoseconds of its start on the clock of boot time (real_start_time before v5.5).</summary>
    [Field("start_boottime", "real_start_time")] public partial ulong StartBoottime { get; }

    [Field("thread.fsbase")] public partial ulong FsBase { get; }

    [Field("thread.gsbase")] public partial ulong GsBase { get; }

    [Field("thread.fsindex")] public partial ushort FsIndex { get; }

    [Field("thread.gsindex")] public partial ushort GsIndex { get; }

    [Field("thread.ds")] public partial ushort Ds { get; }

    [Field("thread.es")] public partial ushort Es { get; }

    /// <summary>Its FPU and vector registers; behind the structure itself since v6.16 (x86_task_fpu, arch/x86/include/asm/processor.h).</summary>
    internal Fpu Fpu => FpuInPlace ?? Fpu.At(Kernel, Address + (ulong)Kernel.SizeOf<TaskStruct>());

    [Embedded("thread.fpu", Optional = true)] private partial Fpu? FpuInPlace { get; }

    public bool IsKernelThread => (Flags & TaskFlags.KernelThread) != 0;

    /// <summary>All threads of the task's process, its leader among them: for_each_thread.</summary>
    public ListEntries<TaskStruct> Threads => Signal.Value.ThreadHead.Entries<TaskStruct>(static thread => thread.ThreadNode);

    public bool IsGroupLeader => GroupLeader.Address == Address;
}
