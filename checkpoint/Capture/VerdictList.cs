using System.Collections.Immutable;
using Watari.Checkpoint.Capture.Files;
using Watari.Checkpoint.Verdicts;

namespace Watari.Checkpoint.Capture;

/// <summary>What a capture has to say, each thing once. Its words come out of the guest, and are paid for from the capture's budget.</summary>
internal sealed class VerdictList(CaptureBudget budget)
{
    private readonly HashSet<Verdict> _known = [];
    private readonly ImmutableArray<Verdict>.Builder _verdicts = ImmutableArray.CreateBuilder<Verdict>();

    public ImmutableArray<Verdict> All => _verdicts.ToImmutable();

    /// <exception cref="Introspection.Kernel.KernelWalkException">The budget is spent.</exception>
    public void Add(VerdictKind kind, string subject, string reason)
    {
        Verdict verdict = new(kind, subject, reason);
        if (!_known.Add(verdict)) return;
        budget.TakeObjects(1);
        budget.TakeBytes(sizeof(char) * ((long)subject.Length + reason.Length));
        _verdicts.Add(verdict);
    }
}
