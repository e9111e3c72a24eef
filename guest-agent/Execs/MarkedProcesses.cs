using System.Globalization;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Execs;

/// <summary>
/// The processes of a command in a container, known by a variable of the environment that they began with. The program that has started
/// them is not their parent, and with Docker and podman does not take them with it when it ends.
/// </summary>
internal static class MarkedProcesses
{
    private const string Variable = "WATARI_EXEC";

    public static string MarkOf(ExecId exec) => $"{Variable}={exec}";

    /// <summary>Sends a signal to all of a command's processes that have not had their environment cleared.</summary>
    /// <returns>How many there were.</returns>
    public static int Signal(ExecId exec, int signal)
    {
        string mark = MarkOf(exec);
        int sent = 0;
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            using PidFile? process = PidFile.TryOpen(new GuestPid(pid));
            // Opened first, so that what is read is of the process that is meant.
            if (process is not null && IsMarked(directory, mark) && process.TrySignal(signal))
                sent++;
        }
        return sent;
    }

    private static bool IsMarked(string directory, string mark)
    {
        try
        {
            return KernelFile.TryReadText(directory + "/environ")?.Split('\0').Contains(mark) == true;
        }
        catch (KernelException)
        {
            // A kernel thread, or one that is just ending.
            return false;
        }
    }
}
