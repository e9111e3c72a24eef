namespace Watari.GrainInterfaces.Model;

[GenerateSerializer, Alias("watari.VerdictKind")]
public enum VerdictKind
{
    /// <summary>Carried as it is.</summary>
    Carried,

    /// <summary>Carried, with something that the agent or the operator should know of.</summary>
    CarriedWithHelp,

    /// <summary>Not carried: the migration is refused before anything is touched.</summary>
    Refused,
}

/// <summary>The verdict on one object of a container: what it is, and why it is not simply carried.</summary>
/// <param name="Subject">The object in words, e.g. <c>pid 7 fd 12 packet socket</c>.</param>
[GenerateSerializer, Immutable, Alias("watari.ObjectVerdict")]
public sealed record ObjectVerdict([property: Id(0)] VerdictKind Kind, [property: Id(1)] string Subject, [property: Id(2)] string Reason);
