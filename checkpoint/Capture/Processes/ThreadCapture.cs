using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>A frozen thread.</summary>
internal static class ThreadCapture
{
    private const int NiceZero = 120; // DEFAULT_PRIO
    private const uint ClassicRseqSize = 32; // sizeof(struct rseq) before its size became a field

    public static ProcessThread Capture(TaskStruct thread, string subject, CaptureContext context) => new()
    {
        Tid = context.IdOf(thread),
        Comm = TextOf(thread),
        Registers = context.IsFrozen ? RegisterCapture.Capture(thread) : default,
        Fpu = FpuCapture.Capture(thread),
        BlockedSignals = SignalCapture.Blocked(thread),
        PendingSignals = SignalCapture.Pending(thread.Pending, context.Budget),
        AlternateStack = SignalCapture.AlternateStack(thread),
        ClearChildTid = thread.ClearChildTid.Value,
        RobustList = thread.RobustList.Value,
        Rseq = RseqOf(thread),
        Credentials = CredentialCapture.Capture(thread),
        Scheduling = new Scheduling(thread.Policy, thread.StaticPrio - NiceZero, thread.RtPriority),
        ParentDeathSignal = (uint)thread.PdeathSignal,
        SeccompMode = SeccompCapture.ModeOf(thread),
        SeccompFilter = context.Seccomp.Capture(thread, subject, context),
        CgroupSet = context.Cgroups.SetOf(thread),
    };

    public static string TextOf(TaskStruct thread)
    {
        Span<byte> name = stackalloc byte[16]; // TASK_COMM_LEN
        return KernelText.Decode(name[..thread.Comm.CopyTo(name)]);
    }

    private static RestartableSequence? RseqOf(TaskStruct thread) => thread.Rseq is { IsNull: false } address
        ? new RestartableSequence(address.Value, thread.RseqLen is { } length and not 0 ? length : ClassicRseqSize, thread.RseqSig ?? 0, 0)
        : null;
}
