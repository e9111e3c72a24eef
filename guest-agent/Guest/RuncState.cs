using System.Globalization;
using System.Text.Json;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Guest;

/// <summary>runc's containers, read from /run/runc/ID/state.json as runc itself does (libcontainer.State): no process is started for it.</summary>
internal static class RuncState
{
    public const string Root = "/run/runc";

    private const string ContainerdRoot = "/run/containerd/runc"; // a directory for each of its namespaces
    private const int MostContainers = 256;

    public static string DirectoryOf(ContainerId id) => $"{Root}/{id}";

    public static bool Exists(ContainerId id) => Directory.Exists(DirectoryOf(id));

    /// <summary>Where the state of a container of runc's or containerd's is; null where there is none.</summary>
    public static string? RootOf(ContainerId id)
    {
        IEnumerable<string> roots = Directory.Exists(ContainerdRoot) ? Directory.EnumerateDirectories(ContainerdRoot).Prepend(Root) : [Root];
        return roots.FirstOrDefault(root => File.Exists($"{root}/{id}/state.json"));
    }

    public static IReadOnlyList<RuncContainer> All(Func<ContainerId, JobId?> holder)
    {
        List<RuncContainer> containers = [];
        if (!Directory.Exists(Root))
            return containers;
        foreach (string directory in Directory.EnumerateDirectories(Root))
        {
            if (containers.Count < MostContainers && ContainerId.TryParse(Path.GetFileName(directory), out ContainerId id) && Find(id, holder) is { } container)
                containers.Add(container);
        }
        return containers;
    }

    /// <summary>The container, or null where runc has none of that id or its state cannot be read.</summary>
    public static RuncContainer? Find(ContainerId id, Func<ContainerId, JobId?> holder, string root = Root)
    {
        string? text = KernelFile.TryReadText($"{root}/{id}/state.json");
        if (text is null)
            return null;
        try
        {
            using JsonDocument state = JsonDocument.Parse(text);
            JsonElement told = state.RootElement;
            int pid = told.GetProperty("init_process_pid").GetInt32();
            ulong start = told.GetProperty("init_process_start").GetUInt64();
            string cgroup = told.GetProperty("cgroup_paths").GetProperty("").GetString() ?? "";
            string bundle = "";
            foreach (JsonElement label in told.GetProperty("config").GetProperty("labels").EnumerateArray())
            {
                if (label.GetString() is { } pair && pair.StartsWith("bundle=", StringComparison.Ordinal))
                    bundle = pair["bundle=".Length..];
            }
            string path = cgroup.StartsWith(Cgroup.Mount + "/", StringComparison.Ordinal) ? cgroup[Cgroup.Mount.Length..] : cgroup;
            ContainerStatus status = StartTime(pid) != start ? ContainerStatus.Stopped
                : path.Length > 1 && Cgroup.At(path).Frozen ? ContainerStatus.Paused : ContainerStatus.Running;
            return new RuncContainer(id, new GuestPid(pid), status, bundle, path, holder(id));
        }
        catch (Exception unreadable) when (unreadable is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or AgentException)
        {
            return null;
        }
    }

    // Field 22 of /proc/PID/stat, counted after the command's name, which may hold blanks and brackets.
    private static ulong? StartTime(int pid)
    {
        string? stat = KernelFile.TryReadText($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/stat");
        string[]? fields = stat?[(stat.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields is { Length: > 19 } && fields[0] is not ("Z" or "X") ? ulong.Parse(fields[19], CultureInfo.InvariantCulture) : null;
    }
}
