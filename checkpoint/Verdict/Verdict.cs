namespace Watari.Checkpoint.Verdicts;

public enum VerdictKind
{
    /// <summary>Carried as it is.</summary>
    Carried,

    /// <summary>Carried, with something that the operator or the destination's agent should know of.</summary>
    CarriedWithHelp,

    /// <summary>Not carried: the checkpoint is refused.</summary>
    Refused,
}

/// <summary>What is said of one object of a container.</summary>
/// <param name="Subject">The object: "pid 7 fd 12 (packet socket)".</param>
/// <param name="Reason">Why it is not simply carried, and what helps.</param>
public sealed record Verdict(VerdictKind Kind, string Subject, string Reason)
{
    public override string ToString() => Kind == VerdictKind.Carried ? $"{Subject}: carried" : $"{Subject}: {Reason}";
}
