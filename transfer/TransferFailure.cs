namespace Watari.Transfer;

/// <summary>Why a transfer failed or was refused. The numbers go over the wire: never reuse one.</summary>
public enum TransferFailure : ushort
{
    None = 0,

    /// <summary>The peer speaks another version of the protocol, or another protocol.</summary>
    VersionMismatch = 1,

    /// <summary>The receiver does not expect this job.</summary>
    UnknownJob = 2,

    /// <summary>The receiver knows a newer epoch of this job: the sender has been replaced.</summary>
    StaleEpoch = 3,

    /// <summary>Something announced or sent is larger than the receiver's limits.</summary>
    LimitExceeded = 4,

    /// <summary>The peer sent what the protocol does not allow.</summary>
    ProtocolViolation = 5,

    /// <summary>What arrived is not what was sent.</summary>
    HashMismatch = 6,

    /// <summary>The peer made no progress within its deadline.</summary>
    TimedOut = 7,

    /// <summary>The connection broke or could not be made.</summary>
    PeerVanished = 8,

    /// <summary>Cancelled at this end or by the peer.</summary>
    Cancelled = 9,

    /// <summary>The reception has already ended.</summary>
    Closed = 10,

    /// <summary>The receiver has no memory or connection left for it.</summary>
    NoRoom = 11,

    /// <summary>A fault of this software at the end that says so.</summary>
    Internal = 12,
}
