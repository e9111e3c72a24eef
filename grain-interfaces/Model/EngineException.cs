namespace Watari.GrainInterfaces.Model;

/// <summary>Why a command failed, as the caller must tell it apart.</summary>
[GenerateSerializer, Alias("watari.FailureKind")]
public enum FailureKind
{
    /// <summary>No such host, VM or container.</summary>
    NotFound,

    /// <summary>Several containers bear the name.</summary>
    Ambiguous,

    /// <summary>Refused before anything was touched: the verdict, too little memory, another CPU, no image, no agent.</summary>
    Refused,

    /// <summary>The VM, its monitor, its kernel or its agent does not answer any more.</summary>
    VmLost,

    /// <summary>The agent, or the runtime in the VM, could not do what it was asked.</summary>
    RestoreFailed,

    /// <summary>The data did not arrive, or not whole.</summary>
    TransferFailed,

    /// <summary>A deadline passed.</summary>
    TimedOut,

    /// <summary>The command carries an epoch older than one already seen.</summary>
    Fenced,

    /// <summary>The user, or the caller, cancelled.</summary>
    Cancelled,

    /// <summary>A defect of Watari.</summary>
    Internal,

    /// <summary>No silo answers for the host.</summary>
    HostLost,

    /// <summary>The VM runs, and the workload that the command is about is not in it any more: it was ended there, or the guest was started anew.</summary>
    WorkloadLost,

    /// <summary>A checkpoint could not be written, or the container's files not be read; it runs on.</summary>
    SaveFailed,

    /// <summary>The host's silo ended in the middle of it: it was undone, or what became of it is not known.</summary>
    Interrupted,
}

/// <summary>A command failed; the message says what was wrong and what to do.</summary>
[GenerateSerializer, Alias("watari.EngineException")]
public sealed class EngineException : Exception
{
    public EngineException(FailureKind kind, string message, Exception? inner = null)
        : base(message, inner) => Kind = kind;

    [Id(0)]
    public FailureKind Kind { get; }
}
