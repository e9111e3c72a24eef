using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>core-TID: a thread, and with the leader its process.</summary>
internal static class CoreImages
{
    // criu/include/pid.h.
    private const uint TaskAlive = 1;
    private const uint TaskDead = 2;
    private const uint TaskStopped = 3;

    /// <summary>sizeof(struct robust_list_head).</summary>
    private const uint RobustListLength = 24;

    public static void Build(ImageSetWriter images, Container container)
    {
        foreach (Process process in container.Processes)
        {
            foreach (ProcessThread thread in process.Threads)
            {
                bool leads = thread.Tid == process.Pid;
                var core = new Proto.CoreEntry { Mtype = Proto.Machine.X8664 };
                if (leads)
                    core.Tc = TaskOf(process, thread);
                if (process.State != ProcessState.Zombie)
                {
                    core.ThreadInfo = X86Images.Build(thread);
                    core.ThreadCore = ThreadOf(thread);
                    if (!leads)
                        core.ThreadCore.BlkSigset = thread.BlockedSignals;
                }
                images.Add(CriuImageKinds.Core, (ulong)thread.Tid, core);
            }
        }
    }

    public static Process Parse(ImageSetView images, Proto.PstreeEntry entry)
    {
        string name = CriuImageKinds.Core.FileName(entry.Pid);
        var leader = images.Single<Proto.CoreEntry>(CriuImageKinds.Core, entry.Pid);
        Proto.TaskCoreEntry task = leader.Tc ?? throw new CriuImageException(name, "it is a process's and has no tc");
        bool dead = task.TaskState == TaskDead;
        (NamespaceSet namespaces, SharedObjects shares) = dead ? (NamespaceIds.Parse(new()), default) : ProcessTreeImages.ParseIds(images, entry.Pid);
        return new Process
        {
            Pid = (int)entry.Pid,
            ParentPid = (int)entry.Ppid,
            ProcessGroup = (int)entry.Pgid,
            Session = (int)entry.Sid,
            State = task.TaskState switch
            {
                TaskAlive => ProcessState.Alive,
                TaskStopped => ProcessState.Stopped,
                TaskDead => ProcessState.Zombie,
                _ => throw new CriuImageException(name, $"{task.TaskState} is no state of a task"),
            },
            ExitCode = task.ExitCode,
            StopSignal = task.StopSigno,
            Comm = KernelText.Decode(task.Comm.Span),
            Personality = task.Personality,
            Flags = task.Flags,
            Namespaces = namespaces,
            Shares = shares,
            SignalActions = SignalImages.ParseActions(task.Sigactions, name),
            PendingSignals = SignalImages.ParsePending(task.SignalsS, name),
            Timers = TimerImages.Parse(task.Timers),
            ResourceLimits = task.Rlimits is null ? [] : [.. task.Rlimits.Rlimits.Select(l => new ResourceLimit(l.Cur, l.Max))],
            LoginUid = task.HasLoginuid ? task.Loginuid : uint.MaxValue,
            OomScoreAdjustment = task.OomScoreAdj,
            IsChildSubreaper = task.ChildSubreaper,
            MembarrierRegistrations = task.MembarrierRegistrationMask,
            Threads = dead ? [ParseDead(entry, task)] : [.. entry.Threads.Select(tid => ParseThread(images, tid, task))],
        };
    }

    private static Proto.TaskCoreEntry TaskOf(Process process, ProcessThread leader)
    {
        var task = new Proto.TaskCoreEntry
        {
            TaskState = process.State switch
            {
                ProcessState.Stopped => TaskStopped,
                ProcessState.Zombie => TaskDead,
                _ => TaskAlive,
            },
            ExitCode = process.ExitCode,
            Personality = process.Personality,
            Flags = process.Flags,
            BlkSigset = leader.BlockedSignals,
            Comm = ProtoText.Of(process.Comm),
        };
        if (process.State == ProcessState.Zombie)
            return task;

        task.Timers = TimerImages.Build(process.Timers);
        task.Rlimits = new Proto.TaskRlimitsEntry { Rlimits = { process.ResourceLimits.Select(l => new Proto.RlimitEntry { Cur = l.Soft, Max = l.Hard }) } };
        task.SignalsS = SignalImages.BuildPending(process.PendingSignals);
        task.Loginuid = process.LoginUid;
        task.OomScoreAdj = process.OomScoreAdjustment;
        task.ChildSubreaper = process.IsChildSubreaper;
        task.Sigactions.AddRange(SignalImages.BuildActions(process.SignalActions));
        if (leader.CgroupSet is { } set)
            task.CgSet = set.Value;
        if (process.StopSignal != 0)
            task.StopSigno = process.StopSignal;
        if (process.MembarrierRegistrations != 0)
            task.MembarrierRegistrationMask = process.MembarrierRegistrations;
        return task;
    }

    private static Proto.ThreadCoreEntry ThreadOf(ProcessThread thread)
    {
        var core = new Proto.ThreadCoreEntry
        {
            FutexRla = thread.RobustList,
            FutexRlaLen = thread.RobustList == 0 ? 0 : RobustListLength,
            SchedNice = thread.Scheduling.Nice,
            SchedPolicy = thread.Scheduling.Policy,
            Sas = new Proto.ThreadSasEntry
            {
                SsSp = thread.AlternateStack.Pointer,
                SsSize = thread.AlternateStack.Size,
                SsFlags = thread.AlternateStack.Flags,
            },
            SignalsP = SignalImages.BuildPending(thread.PendingSignals),
            Creds = CredentialImages.Build(thread.Credentials),
            Comm = ProtoText.Of(thread.Comm),
        };
        if (thread.Scheduling.Priority != 0)
            core.SchedPrio = thread.Scheduling.Priority;
        if (thread.ParentDeathSignal != 0)
            core.PdeathSig = thread.ParentDeathSignal;
        if (thread.SeccompMode != SeccompMode.Disabled)
            core.SeccompMode = (Proto.SeccompMode)thread.SeccompMode;
        if (thread.SeccompFilter is { } filter)
            core.SeccompFilter = filter.Value;
        if (thread.CgroupSet is { } set)
            core.CgSet = set.Value;
        if (thread.Rseq is { } rseq)
        {
            core.RseqEntry = new Proto.RseqEntry { RseqAbiPointer = rseq.Address, RseqAbiSize = rseq.Size, Signature = rseq.Signature };
            if (rseq.CriticalSection != 0)
                core.RseqEntry.RseqCsPointer = rseq.CriticalSection;
        }
        return core;
    }

    private static ProcessThread ParseThread(ImageSetView images, uint tid, Proto.TaskCoreEntry task)
    {
        string name = CriuImageKinds.Core.FileName(tid);
        var core = images.Single<Proto.CoreEntry>(CriuImageKinds.Core, tid);
        if (core.Mtype != Proto.Machine.X8664 || core.ThreadInfo is null || core.ThreadCore is not { } thread)
            throw new CriuImageException(name, "it does not hold a thread of an x86-64 machine");
        if (thread.Creds is null)
            throw new CriuImageException(name, "the thread has no credentials");
        return new ProcessThread
        {
            Tid = (int)tid,
            Comm = KernelText.Decode((thread.HasComm ? thread.Comm : task.Comm).Span),
            Registers = X86Images.ParseRegisters(core.ThreadInfo.Gpregs, name),
            Fpu = X86Images.ParseFpu(core.ThreadInfo.Fpregs, name),
            Tls = [.. core.ThreadInfo.Tls.Select(X86Images.ParseTls)],
            BlockedSignals = core.Tc?.BlkSigset ?? thread.BlkSigset,
            PendingSignals = SignalImages.ParsePending(thread.SignalsP, name),
            AlternateStack = thread.Sas is { } sas ? new AlternateStack(sas.SsSp, sas.SsSize, sas.SsFlags) : AlternateStack.Disabled,
            ClearChildTid = core.ThreadInfo.ClearTidAddr,
            RobustList = thread.FutexRla,
            Rseq = thread.RseqEntry is { } rseq ? new RestartableSequence(rseq.RseqAbiPointer, rseq.RseqAbiSize, rseq.Signature, rseq.RseqCsPointer) : null,
            Credentials = CredentialImages.Parse(thread.Creds, name),
            Scheduling = new Scheduling(thread.SchedPolicy, thread.SchedNice, thread.SchedPrio),
            ParentDeathSignal = thread.PdeathSig,
            SeccompMode = (SeccompMode)thread.SeccompMode,
            SeccompFilter = thread.HasSeccompFilter && thread.SeccompMode == Proto.SeccompMode.Filter ? new SeccompFilterId(thread.SeccompFilter) : null,
            CgroupSet = thread.HasCgSet ? new CgroupSetId(thread.CgSet) : task.HasCgSet ? new CgroupSetId(task.CgSet) : null,
        };
    }

    // Of a zombie there is nothing left but its number and name.
    private static ProcessThread ParseDead(Proto.PstreeEntry entry, Proto.TaskCoreEntry task) => new()
    {
        Tid = (int)entry.Pid,
        Comm = KernelText.Decode(task.Comm.Span),
        Registers = default,
        Fpu = new X86FpuState(new byte[X86FpuState.FxsaveSize], 0, ImmutableSortedDictionary<XFeature, ReadOnlyMemory<byte>>.Empty),
        BlockedSignals = task.BlkSigset,
        Credentials = new Credentials(),
    };
}
