using System.Collections.Immutable;

namespace Watari.Checkpoint.Verdicts;

/// <summary>A container has something that cannot be carried. Nothing of it was changed.</summary>
public sealed class CheckpointRefusedException(ImmutableArray<Verdict> verdicts)
    : Exception($"The container cannot be saved: {string.Join("; ", verdicts.Where(verdict => verdict.Kind == VerdictKind.Refused))}.")
{
    /// <summary>All that was found, not only what is refused.</summary>
    public ImmutableArray<Verdict> Verdicts { get; } = verdicts;
}
