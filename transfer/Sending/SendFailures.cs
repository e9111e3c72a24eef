namespace Watari.Transfer.Sending;

/// <summary>What went wrong on the streams of one transfer, and which of it to tell.</summary>
internal sealed class SendFailures
{
    private readonly Lock _lock = new();
    private readonly List<Exception> _all = [];

    public bool None
    {
        get
        {
            lock (_lock) return _all.Count == 0;
        }
    }

    public void Add(Exception failure)
    {
        lock (_lock) _all.Add(failure);
    }

    /// <summary>
    /// The destination's own word where there is one, else what happened first: streams that were shut down because of
    /// it only know that they were.
    /// </summary>
    public TransferException First()
    {
        lock (_lock)
        {
            Exception told = _all.Find(f => f is TransferException { ByPeer: true, Failure: not TransferFailure.Closed }) ?? _all[0];
            return told as TransferException
                ?? new TransferException(TransferFailure.Cancelled, $"The source of the pages failed: {told.Message}", told);
        }
    }
}
