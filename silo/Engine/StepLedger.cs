using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine;

/// <summary>
/// Makes the engine's commands idempotent: a step asked for again answers with its first outcome, running or done; a step of an
/// older epoch is refused. A step that failed may be asked for again in a newer epoch, not in its own.
/// </summary>
/// <remarks>
/// The outcomes of a job are forgotten when no command of it has come for six hours: the other host may be at work so long (volumes are sent and
/// filled for two hours each), and that is long after any answer could have been lost and asked for again. Its epoch is kept longer, so that whatever comes late is still refused: that of the last
/// <see cref="MaxJobs"/> jobs, some hundred bytes each.
/// </remarks>
internal sealed class StepLedger(TimeProvider time, int maxJobs = StepLedger.MaxJobs)
{
    public const int MaxJobs = 10_000;
    public static readonly TimeSpan OutcomesKept = TimeSpan.FromHours(6);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, JobSteps> _jobs = new(StringComparer.Ordinal);

    /// <summary>How many jobs it knows, and how many outcomes of their steps.</summary>
    public (int Jobs, int Outcomes) Size
    {
        get
        {
            lock (_gate) return (_jobs.Count, _jobs.Values.Sum(job => job.Outcomes));
        }
    }

    /// <exception cref="EngineException"><see cref="FailureKind.Fenced"/>: the key's epoch is older than one seen of this job.</exception>
    public Task<T> OnceAsync<T>(StepKey key, Func<Task<T>> step) => Of(key.Job).Once(key, step);

    private JobSteps Of(string job)
    {
        lock (_gate)
        {
            if (!_jobs.TryGetValue(job, out JobSteps? steps))
            {
                Prune();
                steps = _jobs[job] = new JobSteps();
            }

            steps.Asked = time.GetTimestamp();
            return steps;
        }
    }

    private void Prune()
    {
        foreach (JobSteps job in _jobs.Values)
        {
            if (time.GetElapsedTime(job.Asked) > OutcomesKept) job.ForgetUnlessRunning();
        }

        if (_jobs.Count < maxJobs) return;
        // A tenth at a time, so that not every job sorts all the others.
        string[] oldest = [.. _jobs.Where(job => job.Value.Outcomes == 0).OrderBy(job => job.Value.Asked).Take(Math.Max(1, maxJobs / 10)).Select(job => job.Key)];
        foreach (string job in oldest) _jobs.Remove(job);
    }

    private sealed class JobSteps
    {
        private readonly Lock _gate = new();
        private readonly Dictionary<string, Task> _outcomes = new(StringComparer.Ordinal);
        private Epoch _newest;

        /// <summary>When a command of the job came last, as a timestamp of the ledger's clock.</summary>
        public long Asked { get; set; }

        public int Outcomes
        {
            get
            {
                lock (_gate) return _outcomes.Count;
            }
        }

        public Task<T> Once<T>(StepKey key, Func<Task<T>> step)
        {
            lock (_gate)
            {
                if (key.Epoch.Value < _newest.Value)
                {
                    throw new EngineException(
                        FailureKind.Fenced,
                        $"Step {key} is of an older epoch than {_newest}, which this host has already served; nothing was done.");
                }

                if (key.Epoch.Value > _newest.Value)
                {
                    _newest = key.Epoch;
                    _outcomes.Clear();
                }

                if (_outcomes.TryGetValue(key.Step, out Task? known)) return (Task<T>)known;
                Task<T> outcome = step();
                _outcomes.Add(key.Step, outcome);
                return outcome;
            }
        }

        public void ForgetUnlessRunning()
        {
            lock (_gate)
            {
                if (!_outcomes.Values.All(outcome => outcome.IsCompleted)) return;
                _outcomes.Clear();
                _outcomes.TrimExcess();
            }
        }
    }
}
