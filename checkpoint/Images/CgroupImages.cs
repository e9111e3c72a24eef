using System.Collections.Immutable;
using System.Text;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>cgroup.img: which cgroups the tasks are in, and what these look like.</summary>
internal static class CgroupImages
{
    public static void Build(ImageSetWriter images, Container container)
    {
        if (container.CgroupSets.IsEmpty && container.Cgroups.IsEmpty)
            return;
        images.Add(CriuImageKinds.Cgroup, new Proto.CgroupEntry
        {
            Sets = { container.CgroupSets.Select(Build) },
            Controllers = { container.Cgroups.Select(Build) },
        });
    }

    public static Proto.CgroupEntry? Read(ImageSetView images) =>
        images.Set.Images.ContainsKey(CriuImageKinds.Cgroup.FileName()) ? images.Single<Proto.CgroupEntry>(CriuImageKinds.Cgroup) : null;

    public static ImmutableArray<CgroupSet> ParseSets(Proto.CgroupEntry? entry) => entry is null ? [] :
    [
        .. entry.Sets.Select(set => new CgroupSet(new CgroupSetId(set.Id), [.. set.Ctls.Select(Parse)])),
    ];

    public static ImmutableArray<CgroupHierarchy> ParseHierarchies(Proto.CgroupEntry? entry) => entry is null ? [] :
    [
        .. entry.Controllers.Select(c => new CgroupHierarchy([.. c.Cnames], [.. c.Dirs.Select(Parse)], c.IsThreaded)),
    ];

    private static Proto.CgSetEntry Build(CgroupSet set) => new()
    {
        Id = set.Id.Value,
        Ctls =
        {
            set.Memberships.Select(membership =>
            {
                var entry = new Proto.CgMemberEntry { Name = membership.Controller, Path = ProtoText.Of(membership.Path) };
                if (membership.NamespaceRoot.Length != 0)
                    entry.CgnsPrefix = (uint)Encoding.UTF8.GetByteCount(membership.NamespaceRoot);
                return entry;
            }),
        },
    };

    private static CgroupMembership Parse(Proto.CgMemberEntry entry) => new(
        entry.Name,
        KernelText.Decode(entry.Path.Span),
        KernelText.Decode(entry.Path.Span[..(int)Math.Min(entry.CgnsPrefix, (uint)entry.Path.Length)]));

    private static Proto.CgControllerEntry Build(CgroupHierarchy hierarchy) => new()
    {
        Cnames = { hierarchy.Controllers },
        Dirs = { hierarchy.Directories.Select(Build) },
        IsThreaded = hierarchy.Threaded,
    };

    private static Proto.CgroupDirEntry Build(CgroupDirectory directory) => new()
    {
        DirName = ProtoText.Of(directory.Name),
        Children = { directory.Children.Select(Build) },
        Properties =
        {
            directory.Properties.Select(property => new Proto.CgroupPropEntry
            {
                Name = property.Name,
                Value = property.Value,
                Perms = Build(property.Permissions),
            }),
        },
        DirPerms = Build(directory.Permissions),
    };

    private static CgroupDirectory Parse(Proto.CgroupDirEntry entry) => new()
    {
        Name = KernelText.Decode(entry.DirName.Span),
        Permissions = Parse(entry.DirPerms, CgroupDirectory.DirectoryMode),
        Properties = [.. entry.Properties.Select(p => new CgroupProperty(p.Name, p.Value) { Permissions = Parse(p.Perms, CgroupProperty.FileMode) })],
        Children = [.. entry.Children.Select(Parse)],
    };

    private static Proto.CgroupPerms Build(FilePermissions permissions) => new() { Mode = permissions.Mode, Uid = permissions.Uid, Gid = permissions.Gid };

    private static FilePermissions Parse(Proto.CgroupPerms? perms, uint mode) =>
        perms is null ? new FilePermissions(mode, 0, 0) : new FilePermissions(perms.Mode, perms.Uid, perms.Gid);
}
