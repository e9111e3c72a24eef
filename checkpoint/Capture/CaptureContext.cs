using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Capture.Namespaces;
using Watari.Checkpoint.Capture.Processes;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture;

/// <summary>What the parts of one capture have in common.</summary>
internal sealed class CaptureContext(GuestKernel kernel, FileScope scope, FileCapture files, IReadOnlySet<int> processes, bool frozen)
{
    private readonly VerdictList verdicts = new(files.Budget);
    private readonly HashSet<int> numbers = [];

    public GuestKernel Kernel { get; } = kernel;
    public FileCapture Files { get; } = files;
    public CaptureBudget Budget { get; } = files.Budget;
    public GuestClocks Clocks { get; } = scope.Clocks;

    /// <summary>struct pid_namespace * in which the model numbers processes.</summary>
    public GuestVirtualAddress PidNamespace { get; } = scope.PidNamespace;
    public ZeroPages ZeroPages { get; } = new(kernel);
    public SeccompCapture Seccomp { get; } = new();
    public CgroupCapture Cgroups { get; } = new();
    public NamespaceSet HostNamespaces { get; } = NamespaceCapture.Of(kernel.InitTask);

    /// <summary>The tasks are frozen, so that their registers are where they can be read.</summary>
    public bool IsFrozen { get; } = frozen;

    public ImmutableArray<Verdict> Verdicts => verdicts.All;

    public void Refuse(string subject, string reason) => verdicts.Add(VerdictKind.Refused, subject, reason);

    public void NeedsHelp(string subject, string reason) => verdicts.Add(VerdictKind.CarriedWithHelp, subject, reason);

    /// <summary>The container numbers its processes by itself.</summary>
    public bool HasOwnPids { get; } = scope.PidNamespace != kernel.InitTask.ThreadPid.Value.Innermost.Ns;

    /// <summary>Whether this is a process of the container, by its number in the guest's first pid namespace.</summary>
    public bool IsProcess(int tgid) => processes.Contains(tgid);

    /// <summary>A thread's number in the container.</summary>
    public int IdOf(TaskStruct thread)
    {
        if (thread.ThreadPid.Value.IdIn(PidNamespace) is { } id)
            return id;
        Refuse(NameOf(thread), "it is in a pid namespace that the container's first process does not see into");
        return thread.Pid;
    }

    /// <summary>Notes a captured thread's number, by which the images know it: refused where another has it.</summary>
    public void Take(int number, string subject)
    {
        if (!numbers.Add(number))
            Refuse(subject, $"another thread has its number {number}");
    }

    /// <summary>The number of a process's parent; 0 where that is not in the container.</summary>
    public int ParentOf(TaskStruct leader)
    {
        TaskStruct parent = leader.RealParent.Value;
        return processes.Contains(parent.Tgid) ? parent.GroupLeader.Value.ThreadPid.Value.IdIn(PidNamespace) ?? 0 : 0;
    }

    /// <summary>A thread for the words of a verdict.</summary>
    public static string NameOf(TaskStruct thread) => $"pid {thread.Pid} ({thread.Comm})";
}
