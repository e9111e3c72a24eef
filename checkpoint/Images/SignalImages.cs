using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Handlers and pending signals in the core images.</summary>
internal static class SignalImages
{
    /// <summary>Signals of the kernel (_NSIG).</summary>
    public const int Count = 64;

    private const int SigKill = 9;
    private const int SigStop = 19;

    /// <summary>All but the two that cannot be handled.</summary>
    public static IEnumerable<Proto.SaEntry> BuildActions(ImmutableArray<SignalAction> actions) => actions
        .Where((_, index) => index + 1 is not (SigKill or SigStop))
        .Select(action => new Proto.SaEntry
        {
            Sigaction = action.Handler,
            Flags = action.Flags,
            Restorer = action.Restorer,
            Mask = action.Mask,
            CompatSigaction = false,
        });

    public static ImmutableArray<SignalAction> ParseActions(IReadOnlyList<Proto.SaEntry> entries, string name)
    {
        if (entries.Count == 0)
            return [];
        if (entries.Count != Count - 2)
            throw new CriuImageException(name, $"{entries.Count} handlers of signals instead of {Count - 2}");
        var actions = ImmutableArray.CreateBuilder<SignalAction>(Count);
        int next = 0;
        for (int signal = 1; signal <= Count; signal++)
        {
            if (signal is SigKill or SigStop)
            {
                actions.Add(default);
                continue;
            }
            Proto.SaEntry entry = entries[next++];
            if (entry.CompatSigaction)
                throw new CriuImageException(name, $"the handler of signal {signal} is a 32-bit one");
            actions.Add(new SignalAction(entry.Sigaction, entry.Flags, entry.Restorer, entry.Mask));
        }
        return actions.MoveToImmutable();
    }

    public static Proto.SignalQueueEntry BuildPending(ImmutableArray<PendingSignal> signals) => new()
    {
        Signals = { signals.Select(s => new Proto.SiginfoEntry { Siginfo = ProtoText.Of(s.Siginfo) }) },
    };

    public static ImmutableArray<PendingSignal> ParsePending(Proto.SignalQueueEntry? queue, string name)
    {
        if (queue is null)
            return [];
        if (queue.Signals.Any(s => s.Siginfo.Length != PendingSignal.SiginfoSize))
            throw new CriuImageException(name, $"a pending signal whose siginfo has not {PendingSignal.SiginfoSize} bytes");
        return [.. queue.Signals.Select(s => new PendingSignal(s.Siginfo.Memory))];
    }
}
