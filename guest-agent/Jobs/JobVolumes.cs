using Watari.GuestAgent.Managed;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.Volumes;

namespace Watari.GuestAgent.Jobs;

/// <summary>Named volumes that come before their container does: made, filled, kept as they are while the engine makes it, and removed where it never comes.</summary>
internal sealed class JobVolumes(AgentPaths paths, JobStore store, ManagedEngines engines)
{
    /// <summary>Has the engine make the container's volumes, once for each job. What is made is written down before.</summary>
    /// <exception cref="AgentException">container-exists: one was made by somebody else meanwhile.</exception>
    public JobRecord Make(JobRecord job, Deadline deadline)
    {
        ManagedContainer container = job.Managed!; // or nothing could have been put here
        ManagedEngine engine = engines.Of(container);
        if (job.Phase != JobPhase.Prepared)
            throw new AgentException(new AgentError(AgentErrorCode.Interrupted, $"A restore of job {job.Job} has been begun here: its volumes are not changed any more."));
        if (job.VolumesBegan is null)
        {
            // Again, for what was made since the job was prepared would be taken for this job's.
            engine.CheckVolumes(container, deadline);
            job = job with { VolumesBegan = DateTimeOffset.UtcNow.ToUnixTimeSeconds() };
            store.Save(job);
        }
        foreach (ContainerId volume in container.Volumes)
        {
            bool isNoted = job.Volumes.Contains(volume);
            // Of an agent that died in between the engine may have made it, or not.
            if (isNoted && engine.HasVolume(volume, deadline))
                continue;
            JobRecord before = job;
            job = isNoted ? job : job with { Volumes = [.. job.Volumes, volume] };
            store.Save(job);
            try
            {
                engine.CreateVolume(volume, deadline);
            }
            catch (AgentException refused) when (refused.Code == AgentErrorCode.ContainerExists)
            {
                // Somebody else's. After any other failure it may have been made.
                store.Save(before);
                throw;
            }
        }
        return job;
    }

    /// <summary>Carries out the changes that were put here.</summary>
    /// <returns>How many there were.</returns>
    /// <exception cref="AgentException">They are not what they should be, or the guest has no room. The volumes are then in between.</exception>
    public long Fill(JobRecord job, bool isLast, Deadline deadline)
    {
        job = Make(job with { AreVolumesWhole = false }, deadline);
        store.Save(job);
        long changes;
        using (FileStream input = new(paths.Of(job.Job).Changes, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16))
            changes = new VolumeFiller(engines.Of(job.Managed!).DirectoriesOf(job.Volumes, deadline)).Fill(input, deadline);
        if (isLast)
            store.Save(job with { AreVolumesWhole = true });
        return changes;
    }

    /// <summary>
    /// The engine fills a volume that is empty, and was not mounted yet, with what the image has in its place. The container had one that was empty:
    /// as long as the engine is at work, there is a file in it.
    /// </summary>
    /// <returns>To be disposed when the container stands.</returns>
    public IDisposable KeepEmpty(JobRecord job, Deadline deadline)
    {
        Placeholders held = new();
        try
        {
            if (job.Volumes.Count == 0)
                return held;
            foreach (string directory in engines.Of(job.Managed!).DirectoriesOf(job.Volumes, deadline).Values)
                held.Hold(VolumeTree.Open(directory), $".watari-{job.Job}");
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Removes those that the job has made.</summary>
    /// <exception cref="AgentException">One is still there.</exception>
    public void Remove(JobRecord job, Deadline deadline, List<string> removed)
    {
        if (job is { Managed: { } container, VolumesBegan: { } began, Volumes.Count: > 0 })
            engines.Of(container).RemoveVolumes(job.Volumes, began, deadline, removed);
    }

    private sealed class Placeholders : IDisposable
    {
        private readonly Stack<IDisposable> held = [];

        public void Hold(VolumeTree tree, string name)
        {
            held.Push(tree);
            if (tree.IsEmpty)
                held.Push(tree.Mark(name));
        }

        public void Dispose()
        {
            while (held.TryPop(out IDisposable? one))
                one.Dispose();
        }
    }
}
