namespace Watari.Guests;

/// <summary>What is in a guest, in its own words.</summary>
public sealed class GuestInspection(Guest guest)
{
    /// <summary>
    /// A process a line: pid, start time, cgroup, program. The glob is expanded in the shell itself, before it has children; each further
    /// process would take its time in an emulated guest.
    /// </summary>
    private const string Processes =
        """
        set -- /proc/[0-9]*; ls -l $(printf '%s/exe ' "$@") 2>/dev/null | awk '{
            split(substr($0, index($0, " /proc/") + 7), line, "/exe -> "); pid = line[1]; file = "/proc/" pid "/stat"
            if ((getline stat <file) <= 0) next
            close(file); sub(/.*\) /, "", stat); split(stat, field, " "); file = "/proc/" pid "/cgroup"
            if ((getline cgroup <file) <= 0) next
            close(file); sub(/^[^:]*:[^:]*:/, "", cgroup); print "process", pid, field[20], cgroup, line[2]
        }'
        """;

    private const string Cgroups = "(cd /sys/fs/cgroup && find . -mindepth 1 -type d | sed 's/^/cgroup /'; grep -l 1 $(find . -name cgroup.freeze) /dev/null | sed 's/^/frozen /')";
    private const string Runtime = "ls -A /run/runc 2>/dev/null | sed 's/^/runc state /'; ls -A /run/watari/jobs | sed 's/^/job directory /'";
    private const string Mounts = "cut -d' ' -f5,9- /proc/self/mountinfo | sed 's/^/mount /'";

    /// <summary>
    /// What the kernel has complained of, a line each: warnings with their traces, errors, stalls, killed tasks. A program's own segmentation
    /// fault is among them.
    /// </summary>
    public async Task<IReadOnlyList<string>> ComplaintsAsync(CancellationToken cancellation = default) => await LinesAsync(
        "{ dmesg -l emerg,alert,crit,err; dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace|general protection|segfault|traps:|lockup|stall|blocked for more|Out of memory|Killed process'; } || true", cancellation);

    /// <summary>What a container or a migration of it has left, a line each: its cgroup, processes in it, runc's state, work directories, whatever is frozen, tools that still run.</summary>
    public async Task<IReadOnlyList<string>> TracesOfAsync(string container, CancellationToken cancellation = default) =>
    [
        .. (await LinesAsync($"{Processes}; {Cgroups}; {Runtime}; {Mounts}", cancellation)).Where(line =>
            line.StartsWith("frozen ", StringComparison.Ordinal)
            || line.StartsWith("job directory ", StringComparison.Ordinal)
            || line == $"runc state {container}"
            || line.StartsWith($"mount /run/runc/", StringComparison.Ordinal)
            || (line.StartsWith("cgroup ", StringComparison.Ordinal) && line.Split('/').Any(part => part == container || part.StartsWith("watari", StringComparison.Ordinal)))
            || (line.StartsWith("process ", StringComparison.Ordinal) && (line.Split(' ')[3].Split('/').Contains(container) || IsTool(line.Split(' ')[4])))),
    ];

    /// <summary>All that a migration could touch, a line each, in an order that does not change: equal before and after means untouched.</summary>
    public async Task<IReadOnlyList<string>> FingerprintAsync(CancellationToken cancellation = default) =>
        [.. (await LinesAsync($"{Processes}; {Cgroups}; {Runtime}; {Mounts}", cancellation)).Order(StringComparer.Ordinal)];

    private static bool IsTool(string program) => program[(program.LastIndexOf('/') + 1)..] is "criu" or "runc";

    private async Task<string[]> LinesAsync(string command, CancellationToken cancellation) =>
        (await guest.Console.CheckAsync(command, TimeSpan.FromMinutes(3), cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
