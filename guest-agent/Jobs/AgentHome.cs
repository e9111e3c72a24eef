using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.StandIn;

namespace Watari.GuestAgent.Jobs;

/// <summary>The agent's directories, made once for each boot and found again after the agent's own death.</summary>
internal static class AgentHome
{
    // The images of a container, and for the landing zone its memory, must fit: /run alone is bounded to a part of the memory.
    private const string TmpfsOptions = "size=95%,mode=700,huge=never";

    public static void MakeReady(AgentPaths paths)
    {
        foreach (string directory in (string[])[paths.Programs, paths.Fences, paths.Jobs, paths.Archives, paths.Execs, paths.Orders])
            Directory.CreateDirectory(directory);
        if (!Mounts.IsMountPoint(paths.Jobs))
            KernelException.Check(Libc.mount("watari", paths.Jobs, "tmpfs", Libc.MS_NOSUID | Libc.MS_NODEV | Libc.MS_NOEXEC, TmpfsOptions), paths.Jobs);

        string criu = paths.Programs + "/criu";
        if (new FileInfo(criu).LinkTarget != Launcher.Self)
        {
            File.Delete(criu);
            File.CreateSymbolicLink(criu, Launcher.Self);
        }
        RuncPlace.LeaveIfUnused(paths);
        RemoveLeftovers(paths);
    }

    /// <summary>What lies on the disk of jobs that an earlier boot knew. Their volumes are podman's: whoever owns the job says when they go.</summary>
    public static void RemoveLeftovers(AgentPaths paths)
    {
        HashSet<string> archives = new(StringComparer.Ordinal);
        foreach (JobId job in new JobStore(paths).All())
        {
            AgentLog.Write($"found job {job} of an agent before this");
            archives.Add(paths.Of(job).Archive);
        }
        foreach (string archive in Directory.EnumerateFiles(paths.Archives).Where(file => !archives.Contains(file) && !file.EndsWith(JobPaths.OnDiskSuffix, StringComparison.Ordinal)))
            File.Delete(archive);
    }
}
