using Watari.GrainInterfaces.Model;

namespace Watari.Client;

/// <summary>What <c>watari</c> tells the shell. Part of its contract: scripts decide by these.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Usage = 2;
    public const int NotFound = 3;

    /// <summary>Refused before anything was touched.</summary>
    public const int Refused = 4;

    /// <summary>Failed, and all is as it was: the source runs, nothing is left half made. Of a copy: it is not whole.</summary>
    public const int RolledBack = 5;

    /// <summary>What became of it is not known: it failed in a way that does not tell, or was not heard of any more.</summary>
    public const int Unknown = 6;

    public const int Interrupted = 130;

    public static int Of(FailureKind kind) => kind switch
    {
        FailureKind.NotFound or FailureKind.Ambiguous => NotFound,
        FailureKind.Refused => Refused,
        FailureKind.Cancelled => Interrupted,
        FailureKind.Internal or FailureKind.Fenced or FailureKind.WorkloadLost or FailureKind.VmLost or FailureKind.HostLost or FailureKind.Interrupted => Unknown,
        _ => RolledBack,
    };

    public static int Of(MigrationJob job) => job switch
    {
        { State: MigrationState.Done } or { State: MigrationState.Committed, IsSettled: true, Failure: null } => Done,
        { IsSettled: false } or { Source: SideOutcome.Lost } or { State: MigrationState.RolledBack, Source: SideOutcome.Abandoned } => Unknown,
        { Failure.Kind: FailureKind.Cancelled } => Interrupted,
        { State: MigrationState.Refused, Failure.Kind: FailureKind.NotFound or FailureKind.Ambiguous } => NotFound,
        { State: MigrationState.Refused } => Refused,
        _ => RolledBack,
    };
}
