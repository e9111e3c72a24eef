using Watari.Transfer.Receiving;
using Watari.Transfer.Sockets;
using Watari.Transfer.Wire;

namespace Watari.Transfer;

/// <summary>One transfer that a <see cref="PageReceiver"/> expects: its streams join, fill the store, and end together.</summary>
public sealed class PageReception : IDisposable
{
    private readonly PageReceiver _receiver;
    private readonly TransferLimits _limits;
    private readonly Lock _lock = new();
    private readonly TransferCounters _counters = new();
    private readonly TaskCompletionSource<ReceivedPages> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Timer _arrival;
    private ReceiveStream?[] _streams = [];
    private Hello _announced;
    private readonly PageStoreBuilder _store;
    private int _joined;
    private int _ended;
    private TransferException? _failure;
    private bool _closed;

    internal PageReception(PageReceiver receiver, JobId job, Epoch epoch, TransferLimits limits, PageCount room)
    {
        _receiver = receiver;
        _limits = limits;
        Job = job;
        Epoch = epoch;
        _store = new PageStoreBuilder(limits);
        RoomMade = room > PageCount.Zero ? BulkThread.RunAsync("page-room", () => _store.Populate(room)) : Task.CompletedTask;
        _arrival = new Timer(_ => Fail(new TransferException(TransferFailure.TimedOut,
            $"The source of job {Job} did not connect all of its streams within {limits.ArrivalTimeout.TotalSeconds:0.#} s.")));
        _arrival.Change(limits.ArrivalTimeout, Timeout.InfiniteTimeSpan);
    }

    public JobId Job { get; }

    public Epoch Epoch { get; }

    /// <summary>Everything that was sent, once it has arrived and been checked.</summary>
    /// <exception cref="TransferException">Why it has not: the source vanished, stalled, was refused; a hash did not match; cancelled.</exception>
    public Task<ReceivedPages> Completion => _completion.Task;

    /// <summary>Ends when the memory that was asked for ahead is there. The transfer need not wait for it.</summary>
    public Task RoomMade { get; }

    /// <summary>How far it is; may be read at any time from anywhere.</summary>
    public TransferStatistics Statistics => _counters.Snapshot();

    /// <summary>Gives it up: the source is told, the memory freed.</summary>
    public void Cancel() => Fail(new TransferException(TransferFailure.Cancelled, $"The reception of job {Job} was cancelled."));

    /// <summary>Cancels it if it still runs, and forgets it: its job is unknown from then on. What was received stays with whoever awaited it.</summary>
    public void Dispose()
    {
        Cancel();
        _receiver.Forget(this);
        _arrival.Dispose();
    }

    /// <summary>Checks a hello against what is expected and what other streams announced.</summary>
    /// <returns>Why the stream is refused, or <see cref="TransferFailure.None"/>.</returns>
    internal TransferFailure Join(BulkSocket socket, in Hello hello, out ReceiveStream? stream)
    {
        stream = null;
        TransferFailure refusal = Check(hello);
        if (refusal != TransferFailure.None) return refusal;
        lock (_lock)
        {
            if (_closed) return TransferFailure.Closed;
            if (_joined == 0)
            {
                _store.Announce(new PageCount(hello.Pages));
                _streams = new ReceiveStream?[hello.StreamCount];
                _announced = hello;
                _counters.Announce(new PageCount(hello.Pages));
                _counters.Start();
            }
            if (hello with { StreamIndex = _announced.StreamIndex } != _announced || _streams[hello.StreamIndex] is not null)
                return TransferFailure.ProtocolViolation;
            stream = _streams[hello.StreamIndex] = new ReceiveStream(socket, hello, _limits, _store, _counters);
            if (++_joined == _streams.Length) _arrival.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return TransferFailure.None;
        }
    }

    /// <summary>The thread of a stream that has joined: from its acceptance to its last word.</summary>
    internal void Receive(ReceiveStream stream)
    {
        try
        {
            stream.Run();
            if (EndStream(stream)) Seal();
        }
        catch (Exception e)
        {
            // Whatever a peer brings about ends its transfer, never the process.
            Fail(e as TransferException ?? new TransferException(
                e is OutOfMemoryException ? TransferFailure.NoRoom : TransferFailure.Internal, $"The reception of job {Job} failed: {e.Message}", e));
            stream.Finish(LastWord);
        }
    }

    internal void Fail(TransferException failure)
    {
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
            _failure = failure;
        }
        // No stream joins or ends from here on. Those that still run say their last word themselves.
        foreach (ReceiveStream? stream in _streams)
        {
            if (stream is null) continue;
            if (stream.HasEnded) stream.Finish(LastWord);
            else stream.Abort();
        }
        _arrival.Dispose();
        _counters.End();
        _store.Dispose();
        _completion.TrySetException(failure);
        // Whoever does not await a failed reception has cancelled it.
        _ = _completion.Task.Exception;
    }

    private Verdict LastWord => Verdict.Of(_failure?.Failure ?? TransferFailure.Closed, Epoch);

    /// <returns>Whether it was the last one.</returns>
    private bool EndStream(ReceiveStream stream)
    {
        lock (_lock)
        {
            if (_closed) throw new TransferException(TransferFailure.Closed, $"The reception of job {Job} has ended.");
            stream.HasEnded = true;
            return ++_ended == _streams.Length;
        }
    }

    private void Seal()
    {
        PageStore store = _store.Seal(_streams.Select(s => s!.Index), _streams.Select(s => s!.Digests));
        lock (_lock)
        {
            if (_closed)
            {
                store.Dispose();
                return;
            }
            _closed = true;
        }
        _counters.End();
        foreach (ReceiveStream? stream in _streams) stream!.Finish(Verdict.Of(TransferFailure.None, Epoch));
        _completion.SetResult(new ReceivedPages(_streams[0]!.Blobs, store, Statistics));
    }

    private TransferFailure Check(in Hello hello)
    {
        if (hello.StreamCount < 1 || hello.StreamIndex >= hello.StreamCount || hello.Pages < 0 || hello.Blobs < 0 || hello.BlobBytes < 0)
            return TransferFailure.ProtocolViolation;
        bool tooMuch = hello.StreamCount > _limits.MaxStreams || hello.Pages > _limits.MaxPages.Value
            || hello.Blobs > _limits.MaxBlobs || hello.BlobBytes > _limits.MaxBlobBytes;
        return tooMuch ? TransferFailure.LimitExceeded : TransferFailure.None;
    }
}
