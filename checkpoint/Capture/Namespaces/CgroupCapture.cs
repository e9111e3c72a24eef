using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;

namespace Watari.Checkpoint.Capture.Namespaces;

/// <summary>The cgroups (of version 2) that a container's tasks are in, with their limits.</summary>
internal sealed class CgroupCapture
{
    // 1 is the restorer's own.
    private const uint FirstSet = 2;

    private readonly Dictionary<GuestVirtualAddress, CgroupSetId> sets = [];
    private readonly ImmutableArray<CgroupSet>.Builder captured = ImmutableArray.CreateBuilder<CgroupSet>();
    private readonly SortedDictionary<string, Cgroup> cgroups = new(StringComparer.Ordinal);

    public ImmutableArray<CgroupSet> Sets => captured.ToImmutable();

    /// <summary>The set of a task; each is captured once.</summary>
    public CgroupSetId SetOf(TaskStruct task)
    {
        CssSet css = task.Cgroups.Value;
        if (sets.TryGetValue(css.Address, out CgroupSetId known))
            return known;
        var id = new CgroupSetId(FirstSet + (uint)captured.Count);
        sets.Add(css.Address, id);
        Cgroup cgroup = css.DflCgrp.Value;
        string path = cgroup.Path;
        cgroups[path] = cgroup;
        captured.Add(new CgroupSet(id, [new CgroupMembership("", path, NamespaceRootOf(task, path))]));
        return id;
    }

    /// <summary>The hierarchy with every cgroup that a task is in, the topmost ones first and below them those that lie in them.</summary>
    public ImmutableArray<CgroupHierarchy> Hierarchies()
    {
        var roots = ImmutableArray.CreateBuilder<CgroupDirectory>();
        var paths = new Queue<string>(cgroups.Keys);
        while (paths.TryDequeue(out string? path))
        {
            var below = new List<string>();
            while (paths.TryPeek(out string? next) && next.StartsWith(Prefix(path), StringComparison.Ordinal))
                below.Add(paths.Dequeue());
            roots.Add(Directory(path, path.TrimStart('/'), below));
        }
        return [new CgroupHierarchy([""], roots.ToImmutable(), Threaded: false)];
    }

    private CgroupDirectory Directory(string path, string name, List<string> below)
    {
        var children = ImmutableArray.CreateBuilder<CgroupDirectory>();
        string prefix = Prefix(path);
        foreach (IGrouping<string, string> group in below.GroupBy(child => NameAt(child, prefix.Length)))
        {
            string childPath = prefix + group.Key;
            children.Add(Directory(childPath, group.Key, [.. group.Where(child => child != childPath)]));
        }
        return new CgroupDirectory
        {
            Name = name,
            Properties = cgroups.TryGetValue(path, out Cgroup cgroup) ? CgroupLimits.Of(cgroup) : CgroupLimits.Defaults,
            Children = children.ToImmutable(),
        };
    }

    /// <summary>What the paths of those in a cgroup begin with; of the root's own path, too.</summary>
    private static string Prefix(string path) => path.EndsWith('/') ? path : path + '/';

    private static string NameAt(string path, int start) => path.IndexOf('/', start) is >= 0 and int end ? path[start..end] : path[start..];

    /// <summary>What of its path a task's cgroup namespace hides from it.</summary>
    private static string NamespaceRootOf(TaskStruct task, string path)
    {
        if (task.Nsproxy.Value.CgroupNs is not { IsNull: false } space)
            return "";
        string root = space.Value.RootCset.Value.DflCgrp.Value.Path;
        return root != "/" && (path == root || path.StartsWith(root + "/", StringComparison.Ordinal)) ? root : "";
    }
}
