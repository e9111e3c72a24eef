using Watari.Silo.Engine;

namespace Watari.Silo.Tests.Engine;

public sealed class EngineThreadsTests : IDisposable
{
    private readonly EngineThreads _threads = new(1);
    private readonly ManualResetEventSlim _goOn = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_waits_for_a_thread_is_cancelled_at_once_and_never_runs()
    {
        Task busy = _threads.RunAsync(() => _goOn.Wait(Cancellation), Cancellation);
        using var cancelled = new CancellationTokenSource();
        bool hasRun = false;
        Task waiting = _threads.RunAsync(() => hasRun = true, cancelled.Token);

        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.False(busy.IsCompleted);
        _goOn.Set();
        await busy;
        await _threads.RunAsync(() => { }, Cancellation);

        Assert.False(hasRun);
    }

    [Fact]
    public async Task What_runs_is_waited_for_though_it_was_cancelled()
    {
        using var cancelled = new CancellationTokenSource();
        using var begun = new ManualResetEventSlim();
        Task running = _threads.RunAsync(
            () =>
            {
                begun.Set();
                _goOn.Wait(Cancellation);
            },
            cancelled.Token);
        begun.Wait(Cancellation);

        await cancelled.CancelAsync();

        Assert.False(running.IsCompleted);
        _goOn.Set();
        await running;
    }

    [Fact]
    public async Task Long_work_keeps_no_other_from_a_thread_and_is_done_one_after_another()
    {
        using var begun = new ManualResetEventSlim();
        Task<bool> first = _threads.RunLongAsync(
            () =>
            {
                begun.Set();
                _goOn.Wait(Cancellation);
                return true;
            },
            Cancellation);
        begun.Wait(Cancellation);
        Task<bool> second = _threads.RunLongAsync(() => first.IsCompleted || _goOn.IsSet, Cancellation);

        Assert.Equal(7, await _threads.RunAsync(() => 7, Cancellation));
        Assert.False(second.IsCompleted);
        _goOn.Set();

        Assert.True(await first);
        Assert.True(await second);
    }

    public void Dispose()
    {
        _goOn.Set();
        _threads.Dispose();
        _goOn.Dispose();
    }
}
