namespace Watari.Transfer;

/// <summary>A transfer that did not happen, and why.</summary>
public sealed class TransferException(TransferFailure failure, string message, Exception? innerException = null)
    : IOException(message, innerException)
{
    public TransferFailure Failure { get; } = failure;

    /// <summary>Whether the other end gave this reason, rather than this end.</summary>
    public bool ByPeer { get; init; }
}
