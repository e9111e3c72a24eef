using System.Diagnostics;

namespace Watari.Transfer;

/// <summary>The running sums behind <see cref="TransferStatistics"/>, added to by all streams once a batch.</summary>
internal sealed class TransferCounters
{
    private long _transferred;
    private long _total;
    private long _normal;
    private long _duplicate;
    private long _metadata;
    private long _started;
    private long _ended;

    public void Start() => Interlocked.CompareExchange(ref _started, Stopwatch.GetTimestamp(), 0);

    public void End() => Interlocked.CompareExchange(ref _ended, Stopwatch.GetTimestamp(), 0);

    public void Announce(PageCount pages) => Volatile.Write(ref _total, pages.Bytes);

    public void AddBatch(long bytes, long normal, long duplicate)
    {
        Interlocked.Add(ref _transferred, bytes);
        Interlocked.Add(ref _normal, normal);
        Interlocked.Add(ref _duplicate, duplicate);
    }

    public void AddBlob(long bytes, long content)
    {
        Interlocked.Add(ref _transferred, bytes);
        Interlocked.Add(ref _metadata, content);
    }

    public TransferStatistics Snapshot()
    {
        long started = Volatile.Read(ref _started);
        long ended = Volatile.Read(ref _ended);
        TimeSpan elapsed = started == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(started, ended != 0 ? ended : Stopwatch.GetTimestamp());
        PageCount normal = new(Volatile.Read(ref _normal));
        PageCount duplicate = new(Volatile.Read(ref _duplicate));
        long total = Volatile.Read(ref _total);
        return new TransferStatistics(Volatile.Read(ref _transferred), total, Math.Max(0, total - (normal + duplicate).Bytes),
            normal, duplicate, Volatile.Read(ref _metadata), elapsed);
    }
}
