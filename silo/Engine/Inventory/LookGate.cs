using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Inventory;

/// <summary>
/// Lets looks at VMs have some of the engine's threads: one of each VM at a time, and never more than a number of all together, so that threads
/// are left for what has to be done to a VM. A guest can make each look at it as long as one may be; others wait then, and hold no thread.
/// </summary>
/// <param name="threads">Where they run.</param>
/// <param name="most">How many of the threads all looks have together.</param>
internal sealed class LookGate(EngineThreads threads, int most)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Turns> _turns = new(StringComparer.Ordinal);
    private readonly Turns _all = new(most);

    /// <summary>How long a look waits for others to end.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(7);

    /// <summary>A look, which blocks, on one of the threads.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.TimedOut"/>: others have not ended in time.</exception>
    public async Task<T> RunAsync<T>(string vm, Func<T> look, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        Turns turns = Come(vm);
        try
        {
            await WaitAsync(turns, $"VM '{vm}' is being looked at already", deadline, cancellationToken);
            try
            {
                await WaitAsync(_all, "All threads for looks at VMs are busy", deadline, cancellationToken);
                try
                {
                    // It ends when the thread is free again, whoever waits for it or not.
                    return await threads.RunAsync(look, cancellationToken);
                }
                finally
                {
                    _all.Free.Release();
                }
            }
            finally
            {
                turns.Free.Release();
            }
        }
        finally
        {
            Go(vm, turns);
        }
    }

    private async Task WaitAsync(Turns turns, string why, long deadline, CancellationToken cancellationToken)
    {
        if (!await turns.Free.WaitAsync((int)Math.Max(0, deadline - Environment.TickCount64), cancellationToken))
            throw new EngineException(FailureKind.TimedOut, $"{why}, and this has not ended within {Patience.TotalSeconds:0.#} s: try again.");
    }

    private Turns Come(string vm)
    {
        lock (_gate)
        {
            if (!_turns.TryGetValue(vm, out Turns? turns)) _turns[vm] = turns = new Turns(1);
            turns.Users++;
            return turns;
        }
    }

    private void Go(string vm, Turns turns)
    {
        lock (_gate)
        {
            if (--turns.Users == 0) _turns.Remove(vm);
        }
    }

    /// <param name="most">Who look at the same time.</param>
    private sealed class Turns(int most)
    {
        public SemaphoreSlim Free { get; } = new(most);

        /// <summary>Those that look or wait.</summary>
        public int Users { get; set; }
    }
}
