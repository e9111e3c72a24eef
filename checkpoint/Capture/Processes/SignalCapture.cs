using System.Buffers.Binary;
using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Processes;

/// <summary>Handlers, masks and waiting signals.</summary>
internal static class SignalCapture
{
    private const int Signals = 64;
    private const uint SsDisable = 2;

    public static ImmutableArray<SignalAction> Actions(SighandStruct handlers)
    {
        var actions = ImmutableArray.CreateBuilder<SignalAction>(Signals);
        for (int signal = 0; signal < Signals; signal++)
        {
            KSigaction action = handlers.Action[signal];
            actions.Add(new SignalAction(action.Handler, action.Flags, action.Restorer, action.Mask));
        }
        return actions.MoveToImmutable();
    }

    /// <summary>The waiting signals in their order; those that wait without a siginfo come last, with one that has only their number.</summary>
    public static ImmutableArray<PendingSignal> Pending(SigPending pending, CaptureBudget budget)
    {
        var signals = ImmutableArray.CreateBuilder<PendingSignal>();
        ulong bare = pending.Signal;
        foreach (SigQueue entry in pending.Queue)
        {
            budget.TakeObjects(1);
            byte[] siginfo = new byte[PendingSignal.SiginfoSize];
            entry.Info.CopyTo(siginfo);
            signals.Add(new PendingSignal(siginfo));
            int number = entry.Info.SiSigno;
            if (number is >= 1 and <= Signals)
                bare &= ~(1UL << (number - 1));
        }
        for (int signal = 1; signal <= Signals; signal++)
        {
            if ((bare & 1UL << (signal - 1)) == 0)
                continue;
            byte[] siginfo = new byte[PendingSignal.SiginfoSize];
            BinaryPrimitives.WriteInt32LittleEndian(siginfo, signal);
            signals.Add(new PendingSignal(siginfo));
        }
        return signals.ToImmutable();
    }

    /// <summary>The mask that the thread has once its system call is over.</summary>
    public static ulong Blocked(TaskStruct thread) => thread.RestoreSigmask ? thread.SavedSigmask : thread.Blocked;

    public static AlternateStack AlternateStack(TaskStruct thread)
    {
        ulong size = thread.SasSsSize;
        return new AlternateStack(thread.SasSsSp, size, size == 0 ? thread.SasSsFlags | SsDisable : thread.SasSsFlags);
    }
}
