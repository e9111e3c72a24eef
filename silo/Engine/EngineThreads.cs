using System.Collections.Concurrent;

namespace Watari.Silo.Engine;

/// <summary>
/// The engine's own threads, of below-normal priority. Scanning, hashing and copying must never run on the thread pool or in a
/// grain's turn: a silo that is busy there is declared dead by the others.
/// </summary>
internal sealed class EngineThreads : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
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

    /// <summary>Runs blocking work on one of the engine's threads; its exception is the task's.</summary>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        TaskCompletionSource<T> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(
            () =>
            {
                if (cancellationToken.IsCancellationRequested)
                {
                    outcome.TrySetCanceled(cancellationToken);
                    return;
                }

                try
                {
                    outcome.TrySetResult(work());
                }
                catch (OperationCanceledException e)
                {
                    outcome.TrySetCanceled(e.CancellationToken);
                }
#pragma warning disable CA1031 // Whatever it is, it belongs to who waits for the outcome; this thread goes on with the next job.
                catch (Exception e)
                {
                    outcome.TrySetException(e);
                }
#pragma warning restore CA1031
            },
            CancellationToken.None);
        return outcome.Task;
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
    }

    private void Run()
    {
        foreach (Action work in _work.GetConsumingEnumerable()) work();
    }
}
