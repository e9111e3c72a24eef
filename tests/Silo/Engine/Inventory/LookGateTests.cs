using Watari.Disk;
using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine;
using Watari.Silo.Engine.Inventory;

namespace Watari.Silo.Tests.Engine.Inventory;

public sealed class LookGateTests : IDisposable
{
    private readonly EngineThreads _threads = new(3);
    private readonly ManualResetEventSlim _end = new();
    private readonly LookGate _gate;

    public LookGateTests() => _gate = new LookGate(_threads, most: 2) { Patience = TimeSpan.FromMilliseconds(300) };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _end.Set();
        _threads.Dispose();
        _end.Dispose();
    }

    [Fact]
    public async Task One_VM_is_looked_at_once_at_a_time_and_who_waits_too_long_is_told()
    {
        Task<int> first = await BeginAsync("a");

        EngineException busy = await Assert.ThrowsAsync<EngineException>(() => _gate.RunAsync("a", () => 2, Cancellation));

        Assert.Equal((FailureKind.TimedOut, "VM 'a' is being looked at already, and this has not ended within 0.3 s: try again."), (busy.Kind, busy.Message));
        Assert.Equal(3, await _gate.RunAsync("b", () => 3, Cancellation));
        _end.Set();
        Assert.Equal(1, await first);
        Assert.Equal(4, await _gate.RunAsync("a", () => 4, Cancellation));
    }

    [Fact]
    public async Task However_many_look_a_thread_is_left()
    {
        Task<int> first = await BeginAsync("a"), second = await BeginAsync("b");

        EngineException busy = await Assert.ThrowsAsync<EngineException>(() => _gate.RunAsync("c", () => 3, Cancellation));

        Assert.StartsWith("All threads for looks at VMs are busy", busy.Message, StringComparison.Ordinal);
        Assert.Equal(4, await _threads.RunAsync(() => 4, Cancellation));
        _end.Set();
        Assert.Equal(2, await first + await second);
    }

    [Fact]
    public async Task Who_waits_no_longer_gives_up_its_turn()
    {
        Task<int> first = await BeginAsync("a");
        using var stop = new CancellationTokenSource();
        Task<int> behind = _gate.RunAsync("a", () => 2, stop.Token);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => behind);
        _end.Set();
        Assert.Equal(1, await first);
        Assert.Equal(3, await _gate.RunAsync("a", () => 3, Cancellation));
    }

    [Fact]
    public void A_watched_look_ends_with_its_time_or_with_whoever_waits_for_it()
    {
        var watch = new LookWatch();
        watch.Check(); // no time counts yet

        watch.Begin(TimeSpan.Zero, CancellationToken.None);
        Assert.True(watch.IsLate);
        Assert.Equal("given up after 0 s", Assert.Throws<DiskDeadlineException>(watch.Check).Message);

        watch.Begin(TimeSpan.FromHours(1), new CancellationToken(canceled: true));
        Assert.False(watch.IsLate);
        Assert.Throws<OperationCanceledException>(watch.Check);
    }

    /// <summary>A look that has begun, and ends when all of them may.</summary>
    private async Task<Task<int>> BeginAsync(string vm)
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<int> look = _gate.RunAsync(
            vm,
            () =>
            {
                began.SetResult();
                _end.Wait(Cancellation);
                return 1;
            },
            Cancellation);
        await began.Task;
        return look;
    }
}
