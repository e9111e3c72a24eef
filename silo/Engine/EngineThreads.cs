using System.Collections.Concurrent;

namespace Watari.Silo.Engine;

/// <summary>
/// The engine's own threads, of below-normal priority. Scanning, hashing and copying must never run on the thread pool or in a
/// grain's turn: a silo that is busy there is declared dead by the others.
/// </summary>
internal sealed class EngineThreads : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private readonly SemaphoreSlim _oneLong = new(1, 1);
    private readonly Thread[] _threads;

    public EngineThreads(int count)
    {
        _threads = new Thread[count];
        for (int i = 0; i < count; i++)
        {
            _threads[i] = new Thread(Run) { IsBackground = true, Name = $"engine-{i}", Priority = ThreadPriority.BelowNormal };
            _threads[i].Start();
        }
    }

    public int Count => _threads.Length;

    /// <summary>Runs blocking work on one of the engine's threads; its exception is the task's. What waits for a thread yet is cancelled at once.</summary>
    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        int begun = 0;
        _work.Add(
            () =>
            {
                if (Interlocked.Exchange(ref begun, 1) == 0) Do(work, outcome);
            },
            CancellationToken.None);
        await using CancellationTokenRegistration registration = cancellationToken.Register(() =>
        {
            if (Interlocked.Exchange(ref begun, 1) == 0) outcome.TrySetCanceled(cancellationToken);
        });
        return await outcome.Task;
    }

    /// <summary>Likewise on a thread of its own, one at a time: work that may take an hour keeps no other, of which a container may stand still for, from a thread.</summary>
    public async Task<T> RunLongAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        await _oneLong.WaitAsync(cancellationToken);
        try
        {
            TaskCompletionSource<T> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
            new Thread(() => Do(work, outcome)) { IsBackground = true, Name = "engine-long", Priority = ThreadPriority.BelowNormal }.Start();
            return await outcome.Task;
        }
        finally
        {
            _oneLong.Release();
        }
    }

    public Task RunAsync(Action work, CancellationToken cancellationToken) =>
        RunAsync(
            () =>
            {
                work();
                return true;
            },
            cancellationToken);

    public void Dispose()
    {
        _work.CompleteAdding();
        foreach (Thread thread in _threads) thread.Join();
        _work.Dispose();
        _oneLong.Dispose();
    }

    private static void Do<T>(Func<T> work, TaskCompletionSource<T> outcome)
    {
        try
        {
            outcome.TrySetResult(work());
        }
        catch (OperationCanceledException e)
        {
            outcome.TrySetCanceled(e.CancellationToken);
        }
#pragma warning disable CA1031 // Whatever it is, it belongs to who waits for the outcome; the thread goes on with the next job.
        catch (Exception e)
        {
            outcome.TrySetException(e);
        }
#pragma warning restore CA1031
    }

    private void Run()
    {
        foreach (Action work in _work.GetConsumingEnumerable()) work();
    }
}
