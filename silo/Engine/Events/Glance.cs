using System.Globalization;
using System.Text;
using Watari.Introspection;
using Watari.Introspection.Containers;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Silo.Engine.Events;

/// <summary>
/// A short look at a guest's memory, by which it is known whether anything of its containers may have changed: what runs, whether it stands
/// still, and when the files were written in which engines keep their records. A file that the kernel does not remember was not written of late.
/// </summary>
internal static class Glance
{
    /// <summary>Each change of a container's record writes in one of these, or beside the record in a directory of the container's own.</summary>
    private static readonly string[] s_files =
    [
        "/var/lib/docker/containers",
        "/var/lib/containers/storage/db.sql", "/var/lib/containers/storage/db.sql-wal", "/var/lib/containers/storage/libpod/bolt_state.db",
        "/run/runc", "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db",
    ];

    /// <summary>Blocks: for the engine's threads.</summary>
    /// <param name="ids">The containers that are known.</param>
    /// <returns>Equal to that of another glance where nothing has changed, for all that can be seen.</returns>
    /// <exception cref="IntrospectionException">The guest's memory cannot be read.</exception>
    public static string At(GuestKernel kernel, IReadOnlyCollection<string> ids) => LiveView.Look(kernel, look =>
    {
        var text = new StringBuilder();
        foreach (GuestContainer live in look.FindContainers()) text.Append(CultureInfo.InvariantCulture, $"{live.Id} {live.Init.StartBoottime} {live.Init.Frozen}\n");
        if (!look.TryFindProcess(1, out TaskStruct first)) return text.ToString();
        PathStruct root = first.Fs.Value.Root;
        MntNamespace mounts = first.Nsproxy.Value.MntNs.Value;
        foreach (string path in s_files.Concat(ids.Select(id => $"/var/lib/docker/containers/{id}")))
        {
            if (!NameLookup.TryLookup(root, mounts, path, out DentryStruct name)) continue;
            InodeStruct file = name.DInode.Value;
            text.Append(CultureInfo.InvariantCulture, $"{path} {file.IIno} {file.ISize} {file.MtimeSeconds}.{file.MtimeNanoseconds}\n");
        }

        return text.ToString();
    });
}
