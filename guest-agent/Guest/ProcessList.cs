using System.Globalization;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Guest;

/// <summary>The processes of a cgroup under both of their numbers: the line NSpid of /proc/PID/status (proc_pid_status(5)).</summary>
internal static class ProcessList
{
    /// <summary>The processes, the tree's first first: pid 1 of its namespace, else the smallest.</summary>
    public static List<ProcessPids> In(Cgroup cgroup, int most)
    {
        List<ProcessPids> processes = [];
        int? depth = null;
        foreach (int pid in cgroup.Processes().Order())
        {
            if (processes.Count == most || Pids(pid) is not { Length: > 0 } numbers)
                continue;
            // A process of a namespace nested deeper has a number in its container's namespace too.
            depth ??= numbers.Length;
            processes.Add(new ProcessPids(new GuestPid(pid), new ContainerPid(numbers[Math.Min(depth.Value, numbers.Length) - 1])));
        }
        return [.. processes.OrderBy(process => process.Container.Value)];
    }

    private static int[]? Pids(int pid)
    {
        string? line = KernelFile.TryReadText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/status")?.Split('\n').FirstOrDefault(l => l.StartsWith("NSpid:", StringComparison.Ordinal));
        return line is null ? null : [.. line["NSpid:".Length..].Split('\t', StringSplitOptions.RemoveEmptyEntries).Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
    }
}
