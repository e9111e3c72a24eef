using System.Globalization;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>The highest epoch that has spoken for each job. Kept in files beside the jobs' directories: neither the agent's death nor the job's destroy lets an old owner back in.</summary>
internal sealed class Fence(AgentPaths paths)
{
    // Files of a few bytes; the oldest go first. A job's owner speaks for minutes, not for thousands of jobs.
    private const int MostJobs = 512;

    private readonly Lock gate = new();

    public FencingEpoch Highest(JobId job)
    {
        try
        {
            return new FencingEpoch(ulong.Parse(File.ReadAllText(FileOf(job)), CultureInfo.InvariantCulture));
        }
        catch (Exception none) when (none is FileNotFoundException or FormatException)
        {
            return default;
        }
    }

    /// <summary>Lets the owner of this epoch pass, and none of an older one from now on.</summary>
    /// <exception cref="AgentException">stale-epoch.</exception>
    public void Pass(JobStep at)
    {
        lock (gate)
        {
            FencingEpoch highest = Highest(at.Job);
            if (at.Epoch < highest)
                throw new AgentException(new AgentError(AgentErrorCode.StaleEpoch, $"Epoch {at.Epoch} of job {at.Job} is over: its owner of epoch {highest} has spoken here. Give way to it."));
            if (at.Epoch == highest && highest != default)
                return;
            string file = FileOf(at.Job);
            if (!File.Exists(file))
                MakeRoom();
            File.WriteAllText(file + ".new", at.Epoch.ToString());
            File.Move(file + ".new", file, overwrite: true);
        }
    }

    private void MakeRoom()
    {
        string[] files = Directory.GetFiles(paths.Fences);
        if (files.Length >= MostJobs)
            File.Delete(files.MinBy(File.GetLastWriteTimeUtc)!);
    }

    private string FileOf(JobId job) => $"{paths.Fences}/{job}";
}
