using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Capture.Namespaces;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>A frozen process: its leader, its threads, and what they share.</summary>
internal sealed class ProcessCapture(CaptureContext context)
{
    private const int ResourceLimits = 16; // RLIM_NLIMITS
    private const uint SignalStopped = 1; // SIGNAL_STOP_STOPPED
    private const ulong StopSignalMask = 0xffff; // JOBCTL_STOP_SIGMASK

    // MEMBARRIER_STATE_… (include/linux/sched/mm.h) by the command that registers it (include/uapi/linux/membarrier.h).
    private static readonly (int State, uint Command)[] MembarrierCommands =
    [
        (1 << 1, 1 << 4),
        (1 << 3, 1 << 2),
        (1 << 5, 1 << 6),
        (1 << 7, 1 << 8),
    ];

    private readonly SharedIds memories = new();
    private readonly SharedIds fileSystems = new();
    private readonly SharedIds handlers = new();

    public Process Capture(TaskStruct leader)
    {
        context.Budget.TakeObjects(1);
        SignalStruct signal = leader.Signal.Value;
        var process = new Process
        {
            Pid = context.IdOf(leader),
            ParentPid = context.ParentOf(leader),
            ProcessGroup = signal.Pid(PidType.Pgid).IdIn(context.PidNamespace) ?? 0,
            Session = signal.Pid(PidType.Sid).IdIn(context.PidNamespace) ?? 0,
            Comm = ThreadCapture.TextOf(leader),
            ExitCode = (uint)leader.ExitCode,
            Threads = [],
            Namespaces = context.HostNamespaces,
            Shares = default,
        };
        if (leader.ExitState != 0)
            context.Take(process.Pid, CaptureContext.NameOf(leader));
        return leader.ExitState != 0
            ? process with { State = ProcessState.Zombie, Threads = [Remains(leader, process)] }
            : CaptureLiving(leader, signal, process);
    }

    private Process CaptureLiving(TaskStruct leader, SignalStruct signal, Process process)
    {
        string subject = CaptureContext.NameOf(leader);
        bool stopped = (signal.Flags & SignalStopped) != 0;
        MmStruct mm = leader.Mm.Value;
        FsStruct fs = leader.Fs.Value;
        TimerCapture.Judge(signal, subject, context);
        return process with
        {
            State = stopped ? ProcessState.Stopped : ProcessState.Alive,
            StopSignal = stopped ? (uint)(leader.Jobctl & StopSignalMask) : 0,
            ExitCode = 0,
            Flags = leader.Flags,
            Personality = leader.Personality,
            Namespaces = NamespaceCapture.Of(leader),
            Shares = new SharedObjects(
                memories.Of(mm.Address),
                context.Files.CaptureDescriptors(leader.Files.Value, leader.Tgid),
                fileSystems.Of(fs.Address),
                handlers.Of(leader.Sighand.Address)),
            SignalActions = SignalCapture.Actions(leader.Sighand.Value),
            PendingSignals = SignalCapture.Pending(signal.SharedPending, context.Budget),
            Timers = TimerCapture.Capture(signal, context),
            ResourceLimits = [.. Enumerable.Range(0, ResourceLimits).Select(limit => new ResourceLimit(signal.Rlim[limit].Current, signal.Rlim[limit].Maximum))],
            LoginUid = leader.Loginuid ?? uint.MaxValue,
            OomScoreAdjustment = signal.OomScoreAdj,
            IsChildSubreaper = signal.IsChildSubreaper,
            MembarrierRegistrations = RegistrationsOf(mm),
            FileSystem = new FileSystemContext(
                context.Files.CapturePath(fs.Pwd, FileHolder.WorkingDirectory(leader.Tgid)),
                context.Files.CapturePath(fs.Root, FileHolder.Root(leader.Tgid)),
                (uint)fs.Umask),
            Memory = MemoryCapture.Capture(mm, leader.Tgid, context),
            Threads = ThreadsOf(leader),
        };
    }

    private ImmutableArray<ProcessThread> ThreadsOf(TaskStruct leader)
    {
        var threads = ImmutableArray.CreateBuilder<ProcessThread>();
        ProcessThread? first = null;
        foreach (TaskStruct thread in leader.Threads)
        {
            if (thread.ExitState != 0)
                continue;
            context.Budget.TakeObjects(1);
            ProcessThread captured = ThreadCapture.Capture(thread, CaptureContext.NameOf(thread), context);
            context.Take(captured.Tid, CaptureContext.NameOf(thread));
            if (thread.Address == leader.Address)
                first = captured;
            else
                threads.Add(captured);
        }
        return first is null ? throw new KernelWalkException("signal_struct.thread_head", $"thread {leader.Pid} is not in the list of its own process") : [first, .. threads];
    }

    private static uint RegistrationsOf(MmStruct mm)
    {
        int state = mm.MembarrierState ?? 0;
        uint commands = 0;
        foreach ((int bit, uint command) in MembarrierCommands)
        {
            if ((state & bit) != 0)
                commands |= command;
        }
        return commands;
    }

    private static ProcessThread Remains(TaskStruct leader, Process process) => new()
    {
        Tid = process.Pid,
        Comm = process.Comm,
        Registers = default,
        Fpu = new X86FpuState(new byte[X86FpuState.FxsaveSize], 0, ImmutableSortedDictionary<XFeature, ReadOnlyMemory<byte>>.Empty),
        BlockedSignals = leader.Blocked,
        Credentials = new Credentials(),
    };
}
