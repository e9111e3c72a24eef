using System.Text;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Criu;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Managed;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>Kills and removes. Everything is found by its name (the job's cgroups, runc's state, directories), nothing by memory, so it does as well after the agent's own death. Each step may find its work done.</summary>
internal sealed class Remover(AgentPaths paths, GuestFacts facts, ManagedEngines engines)
{
    /// <summary>What a restore has made, finished or not: processes, container, cgroups. The images stay.</summary>
    public void RemoveRestored(JobRecord job, Deadline deadline, List<string> removed)
    {
        // The builders first, so that none makes what was just removed.
        RemoveCgroup(job.Shelter, deadline, removed);
        string cgroup = RelayReport.TryRead(paths.Of(job.Job).RelayReport)?.Cgroup ?? job.Cgroup;
        if (job.Managed is { } managed)
        {
            // What conmon sees end podman has not started, and starts no more; Docker would.
            if (managed.Engine == ContainerEngine.Podman)
                Cgroup.At(cgroup).Kill(deadline);
            engines.Of(managed).Undo(job, deadline, removed);
            RemoveCgroup(Cgroup.At(cgroup), deadline, removed);
        }
        else if (job.Container is { } container)
            RemoveContainer(container, Cgroup.At(cgroup), deadline, removed);
        else
            RemoveCgroup(job.Tasks, deadline, removed);
    }

    /// <summary>A container of runc's, running, frozen or half-made.</summary>
    public void RemoveContainer(ContainerId id, Cgroup cgroup, Deadline deadline, List<string> removed)
    {
        cgroup.Kill(deadline);
        if (RuncState.Exists(id))
        {
            // A runc that was killed may have left its bind mount of the root file system here, and `runc delete` of a
            // container without state.json removes the directory with all that is below.
            Mounts.DetachBelow(RuncState.DirectoryOf(id));
            if (facts.Runc is { } runc)
            {
                (int code, string output) = ChildProcess.Run(runc, ["runc", "delete", "-f", id.ToString()], EnvironmentList.Current(), deadline);
                if (code != 0 && RuncState.Exists(id))
                    throw new AgentException(new AgentError(AgentErrorCode.Internal, $"runc delete -f {id} ended with code {code}; the container is still there.", output));
            }
            removed.Add($"container {id}");
        }
        RemoveCgroup(cgroup, deadline, removed);
    }

    public void RemoveDirectory(JobId job, List<string> removed)
    {
        File.Delete(paths.Of(job).Archive);
        File.Delete(paths.Of(job).Changes);
        File.Delete(paths.Of(job).RecordOnDisk);
        string directory = paths.Of(job).Root;
        if (!Directory.Exists(directory))
            return;
        Directory.Delete(directory, recursive: true);
        removed.Add($"work directory {directory}");
    }

    public static void RemoveCgroup(Cgroup cgroup, Deadline deadline, List<string> removed)
    {
        cgroup.Kill(deadline);
        if (cgroup.Remove())
            removed.Add($"cgroup {cgroup.Path}");
    }
}

/// <summary>/proc/self/mountinfo (proc_pid_mountinfo(5)).</summary>
internal static class Mounts
{
    /// <summary>Detaches every mount below a directory, the last mounted first.</summary>
    public static void DetachBelow(string directory)
    {
        foreach (string target in Targets().Where(target => target.StartsWith(directory + "/", StringComparison.Ordinal)).Reverse())
            KernelException.Check(Libc.umount2(target, Libc.MNT_DETACH), target);
    }

    public static bool IsMountPoint(string path) => Targets().Contains(path);

    private static List<string> Targets() =>
        [.. KernelFile.ReadText("/proc/self/mountinfo").Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Unescape(line.Split(' ')[4]))];

    // Blanks, tabs, newlines and backslashes stand as \ooo.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                plain.Append((char)Convert.ToInt32(text.Substring(i + 1, 3), 8));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }
        return plain.ToString();
    }
}
