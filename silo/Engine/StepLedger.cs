using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine;

/// <summary>
/// Makes the engine's commands idempotent: a step asked for again answers with its first outcome, running or done; a step of an
/// older epoch is refused. A step that failed may be asked for again in a newer epoch, not in its own.
/// </summary>
internal sealed class StepLedger
{
    private readonly ConcurrentDictionary<string, JobSteps> _jobs = new(StringComparer.Ordinal);

    /// <exception cref="EngineException"><see cref="FailureKind.Fenced"/>: the key's epoch is older than one seen of this job.</exception>
    public Task<T> OnceAsync<T>(StepKey key, Func<Task<T>> step) => _jobs.GetOrAdd(key.Job, _ => new JobSteps()).Once(key, step);

    /// <summary>The newest epoch seen of a job; null for a job that never came here.</summary>
    public Epoch? NewestEpoch(string job) => _jobs.TryGetValue(job, out JobSteps? steps) ? steps.Newest : null;

    /// <summary>Forgets the outcomes of a job that ended; its epoch stays, so that late commands are still fenced.</summary>
    public void Close(string job)
    {
        if (_jobs.TryGetValue(job, out JobSteps? steps)) steps.Forget();
    }

    private sealed class JobSteps
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Task> _outcomes = new(StringComparer.Ordinal);

        public Epoch Newest { get; private set; }

        public Task<T> Once<T>(StepKey key, Func<Task<T>> step)
        {
            lock (_gate)
            {
                if (key.Epoch.Value < Newest.Value)
                {
                    throw new EngineException(
                        FailureKind.Fenced,
                        $"Step {key} is of an older epoch than {Newest}, which this host has already served; nothing was done.");
                }

                if (key.Epoch.Value > Newest.Value)
                {
                    Newest = key.Epoch;
                    _outcomes.Clear();
                }

                if (_outcomes.TryGetValue(key.Step, out Task? known)) return (Task<T>)known;
                Task<T> outcome = step();
                _outcomes.Add(key.Step, outcome);
                return outcome;
            }
        }

        public void Forget()
        {
            lock (_gate) _outcomes.Clear();
        }
    }
}
