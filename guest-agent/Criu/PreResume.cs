using System.Globalization;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Processes;

namespace Watari.GuestAgent.Criu;

/// <summary>
/// The moment pre-resume: CRIU holds every restored task stopped by ptrace, its registers final,
/// none has run an instruction of its own. Freezing the cgroup here keeps them so when CRIU lets go.
/// </summary>
internal static class PreResume
{
    /// <summary>Freezes the cgroup with the restored tasks, once criu and its helpers are out of it: they would stand still too, and wait for each other for ever.</summary>
    /// <param name="tasks">The restored tasks' cgroup.</param>
    /// <param name="shelter">Where criu and its helpers go.</param>
    /// <param name="criu">criu's pid.</param>
    /// <param name="criuFile">criu's file: a helper is known by it.</param>
    /// <param name="deadline">For all of it.</param>
    public static void Hold(Cgroup tasks, Cgroup shelter, int criu, string criuFile, Deadline deadline)
    {
        shelter.Add(criu);
        foreach (int pid in tasks.Processes())
        {
            if (Executable(pid) == criuFile)
                shelter.Add(pid);
        }
        tasks.Freeze(deadline);
    }

    /// <summary>The file that a process runs; null where that is not to be known.</summary>
    private static string? Executable(int pid)
    {
        try
        {
            return File.ResolveLinkTarget($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/exe", returnFinalTarget: false)?.FullName;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
