using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>Which commands of a job may run at once: many that only use what is there, or one that makes or removes. A destroy ends the others first.</summary>
internal sealed class JobGate
{
    // A monitor, not a Lock: who evicts waits for the others' leaving.
    private readonly object gate = new();
    private readonly Dictionary<JobId, Visitors> jobs = [];

    private sealed class Visitors
    {
        public int Shared;
        public bool Alone;
        public readonly List<Cancellation> Bells = [];
    }

    /// <summary>Enters the job beside others.</summary>
    /// <exception cref="AgentException">busy: one is in it alone.</exception>
    public Visit EnterShared(JobStep at) => Enter(at, alone: false);

    /// <summary>Enters the job alone.</summary>
    /// <exception cref="AgentException">busy: another is in it.</exception>
    public Visit EnterAlone(JobStep at) => Enter(at, alone: true);

    /// <summary>Ends what others do in the job, waits for them to leave, and enters alone.</summary>
    /// <exception cref="AgentException">deadline-exceeded: they have not left.</exception>
    public Visit Evict(JobStep at, Deadline deadline)
    {
        lock (gate)
        {
            while (jobs.TryGetValue(at.Job, out Visitors? visitors))
            {
                foreach (Cancellation bell in visitors.Bells)
                    bell.Strike();
                deadline.Check($"what job {at.Job} was doing ended");
                Monitor.Wait(gate, (int)Math.Clamp(deadline.At - Deadline.Now, 1, int.MaxValue));
            }
            return Enter(at, alone: true);
        }
    }

    public bool IsBusy(JobId job)
    {
        lock (gate)
            return jobs.ContainsKey(job);
    }

    private Visit Enter(JobStep at, bool alone)
    {
        lock (gate)
        {
            if (!jobs.TryGetValue(at.Job, out Visitors? visitors))
                jobs[at.Job] = visitors = new Visitors();
            if (visitors.Alone || (alone && visitors.Shared > 0))
                throw new AgentException(new AgentError(AgentErrorCode.Busy, $"Job {at.Job} is busy with an earlier command: wait for it, ask for the status, or destroy the job."));
            visitors.Alone = alone;
            visitors.Shared += alone ? 0 : 1;
            Cancellation bell = new();
            visitors.Bells.Add(bell);
            return new Visit(this, at.Job, bell);
        }
    }

    private void Leave(JobId job, Cancellation bell)
    {
        lock (gate)
        {
            Visitors visitors = jobs[job];
            visitors.Bells.Remove(bell);
            bell.Dispose();
            if (visitors.Alone)
                visitors.Alone = false;
            else
                visitors.Shared--;
            if (visitors.Bells.Count == 0)
                jobs.Remove(job);
            Monitor.PulseAll(gate);
        }
    }

    /// <summary>A stay in a job; its bell is struck when the job is to be destroyed.</summary>
    internal sealed class Visit(JobGate gate, JobId job, Cancellation bell) : IDisposable
    {
        private int left;

        public Cancellation Bell => bell;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref left, 1) == 0)
                gate.Leave(job, bell);
        }
    }
}
