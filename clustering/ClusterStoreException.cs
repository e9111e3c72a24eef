namespace Watari.Clustering;

/// <summary>What the cluster keeps its state in cannot be used; the message says why, and what to do.</summary>
/// <param name="isRefusal">True: it answers and does not let us in, so the configuration is wrong. False: it does not answer.</param>
public sealed class ClusterStoreException(string message, bool isRefusal, Exception inner) : Exception(message, inner)
{
    public bool IsRefusal => isRefusal;
}
