using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace Watari.Hypervisor;

public sealed partial class QmpClient
{
    /// <summary>Events that one slow reader of <see cref="Events"/> may leave unread before its oldest are dropped.</summary>
    public const int MaxUnreadEvents = 1024;

    /// <summary>How long <see cref="ExpectEvent"/> waits when the call does not say.</summary>
    public static readonly TimeSpan DefaultEventDeadline = TimeSpan.FromSeconds(30);

    private ImmutableList<QmpEventWait> _waits = [];
    private ImmutableList<Channel<QmpEvent>> _streams = [];
    private ImmutableList<Action<QmpEvent>> _observers = [];

    /// <summary>
    /// Arms a wait for the next event of QEMU's name for it, as in <c>STOP</c> or <c>MIGRATION</c>; the deadline runs from here.
    /// <c>where</c> says which of the events of this name; it runs on the receiver: it must be quick and must not throw.
    /// </summary>
    public QmpEventWait ExpectEvent(string name, Func<QmpEvent, bool>? where = null, TimeSpan? deadline = null)
    {
        var wait = new QmpEventWait(name, where, deadline ?? DefaultEventDeadline, SocketPath,
            done => ImmutableInterlocked.Update(ref _waits, static (waits, gone) => waits.Remove(gone), done));
        ImmutableInterlocked.Update(ref _waits, static (waits, armed) => waits.Add(armed), wait);
        if (_broken is { } reason) wait.Fail(reason);
        return wait;
    }

    /// <summary>All events from this call on; ends when the connection does. Enumerate it once.</summary>
    public IAsyncEnumerable<QmpEvent> Events(CancellationToken cancellation = default)
    {
        var stream = Channel.CreateBounded<QmpEvent>(new BoundedChannelOptions(MaxUnreadEvents) { FullMode = BoundedChannelFullMode.DropOldest });
        ImmutableInterlocked.Update(ref _streams, static (streams, added) => streams.Add(added), stream);
        if (_broken is not null) stream.Writer.TryComplete();
        return ReadAsync(stream, cancellation);
    }

    /// <summary>
    /// Has all events from this call on told on the receiver itself: each is before the reply to any command that QEMU answers after it. The observer
    /// must be quick and must not throw.
    /// </summary>
    internal void Observe(Action<QmpEvent> observer) => ImmutableInterlocked.Update(ref _observers, static (observers, added) => observers.Add(added), observer);

    private async IAsyncEnumerable<QmpEvent> ReadAsync(Channel<QmpEvent> stream, [EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            await foreach (QmpEvent happened in stream.Reader.ReadAllAsync(cancellation)) yield return happened;
        }
        finally
        {
            ImmutableInterlocked.Update(ref _streams, static (streams, gone) => streams.Remove(gone), stream);
        }
    }

    private void Publish(QmpEvent happened)
    {
        foreach (Action<QmpEvent> observer in Volatile.Read(ref _observers)) observer(happened);
        foreach (QmpEventWait wait in Volatile.Read(ref _waits)) wait.Offer(happened);
        foreach (Channel<QmpEvent> stream in Volatile.Read(ref _streams)) stream.Writer.TryWrite(happened);
    }

    private void EndEvents(Exception reason)
    {
        foreach (QmpEventWait wait in Volatile.Read(ref _waits)) wait.Fail(reason);
        foreach (Channel<QmpEvent> stream in Volatile.Read(ref _streams)) stream.Writer.TryComplete();
    }
}
