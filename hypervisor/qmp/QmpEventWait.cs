namespace Watari.Hypervisor;

/// <summary>
/// An armed wait for one event: armed before the command that causes it, so that the event cannot slip through.
/// <code>
/// using QmpEventWait stopped = qmp.ExpectEvent("STOP");
/// await qmp.ExecuteAsync("stop");
/// await stopped.Task;
/// </code>
/// </summary>
public sealed class QmpEventWait : IDisposable
{
    private readonly TaskCompletionSource<QmpEvent> _arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<QmpEvent, bool> _matches;
    private readonly Action<QmpEventWait> _disarm;
    private readonly Timer _deadline;

    internal QmpEventWait(string name, Func<QmpEvent, bool>? where, TimeSpan deadline, string socketPath, Action<QmpEventWait> disarm)
    {
        _matches = happened => happened.Name == name && (where is null || where(happened));
        _disarm = disarm;
        _deadline = new Timer(
            _ => _arrival.TrySetException(new QmpTimeoutException($"The event {name} of the QEMU at {socketPath} did not come within {deadline.TotalSeconds:0.###} s.")),
            null, deadline, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Done with the first event that matches; fails at the deadline (<see cref="QmpTimeoutException"/>) or when the connection ends (<see cref="QmpConnectionException"/>).</summary>
    public Task<QmpEvent> Task => _arrival.Task;

    internal void Offer(QmpEvent happened)
    {
        if (!_arrival.Task.IsCompleted && _matches(happened)) _arrival.TrySetResult(happened);
    }

    internal void Fail(Exception reason) => _arrival.TrySetException(reason);

    public void Dispose()
    {
        _disarm(this);
        _deadline.Dispose();
        _arrival.TrySetCanceled();
        _ = _arrival.Task.Exception; // observed: a wait that nobody awaits any more may fail in silence
    }
}
