using System.Collections.Frozen;
using Watari.Checkpoint.Model;
using Watari.Introspection.Namespaces;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Open /proc/PID/ns/… files.</summary>
internal static class NamespaceFiles
{
    /// <summary>By the symbol of their operations (include/linux/proc_ns.h).</summary>
    private static readonly FrozenDictionary<string, NamespaceKind> s_kinds = new Dictionary<string, NamespaceKind>
    {
        ["pidns_operations"] = NamespaceKind.Pid,
        ["netns_operations"] = NamespaceKind.Net,
        ["ipcns_operations"] = NamespaceKind.Ipc,
        ["utsns_operations"] = NamespaceKind.Uts,
        ["mntns_operations"] = NamespaceKind.Mnt,
        ["userns_operations"] = NamespaceKind.User,
        ["cgroupns_operations"] = NamespaceKind.Cgroup,
        ["timens_operations"] = NamespaceKind.Time,
    }.ToFrozenDictionary();

    public static Model.OpenFile? Capture(CapturedFile file)
    {
        var space = NsCommon.At(file.File.Kernel, file.File.FInode.Value.IPrivate);
        if (!file.File.Kernel.Symbols.TryGetName(space.Ops, out string? operations) || !s_kinds.TryGetValue(operations, out NamespaceKind kind))
            return file.Refuse("a namespace of this kind is not carried");
        if (!file.Scope.Namespaces.Contains(space.Inum))
            return file.Refuse($"it refers to a namespace outside of the container ({operations[..operations.IndexOf('_', StringComparison.Ordinal)]}:[{space.Inum}])");
        return new NamespaceFile { Id = file.Id, Flags = file.Flags, Kind = kind, Namespace = space.Inum };
    }
}
