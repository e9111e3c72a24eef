using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>The cgroups of a task.</summary>
public sealed record CgroupSet(CgroupSetId Id, ImmutableArray<CgroupMembership> Memberships);

/// <summary>Membership in one hierarchy.</summary>
/// <param name="Controller">"" for the unified hierarchy (cgroup v2).</param>
/// <param name="Path">From the hierarchy's root, "/machine/x".</param>
/// <param name="NamespaceRoot">The part of the path that a cgroup namespace hides; "" where there is none.</param>
public sealed record CgroupMembership(string Controller, string Path, string NamespaceRoot);

/// <summary>A hierarchy, with the directories that the container's tasks are in.</summary>
public sealed record CgroupHierarchy(ImmutableArray<string> Controllers, ImmutableArray<CgroupDirectory> Directories, bool Threaded);

/// <summary>A cgroup.</summary>
public sealed record CgroupDirectory
{
    /// <summary>From its parent; of the topmost, from the hierarchy's root without the leading slash.</summary>
    public required string Name { get; init; }
    public FilePermissions Permissions { get; init; } = new(DirectoryMode, 0, 0);
    public ImmutableArray<CgroupProperty> Properties { get; init; } = [];
    public ImmutableArray<CgroupDirectory> Children { get; init; } = [];

    /// <summary>A directory, rwxr-xr-x.</summary>
    public const uint DirectoryMode = 0x41ed;
}

/// <summary>A file of a cgroup, such as memory.max.</summary>
public sealed record CgroupProperty(string Name, string Value)
{
    public FilePermissions Permissions { get; init; } = new(FileMode, 0, 0);

    /// <summary>A regular file, rw-r--r--.</summary>
    public const uint FileMode = 0x81a4;
}
