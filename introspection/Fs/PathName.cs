namespace Watari.Introspection.Fs;

/// <summary>Where a path leads as seen from a root.</summary>
public enum PathOrigin
{
    /// <summary>It begins at the root: the text is an absolute path.</summary>
    Root,

    /// <summary>It lies in a tree of mounts that does not hold the root: d_path's "(unreachable)".</summary>
    Elsewhere,

    /// <summary>A file without a place in any tree: a pipe, a socket, a memfd. The text is its dentry's own name.</summary>
    Nowhere,
}

/// <summary>A path as text, found as d_path and prepend_path find it (fs/d_path.c).</summary>
/// <param name="Bytes">Without a closing zero; names are bytes to the kernel.</param>
/// <param name="Origin">Where it begins.</param>
/// <param name="IsDeleted">Its last name was unlinked.</param>
public readonly record struct PathName(ReadOnlyMemory<byte> Bytes, PathOrigin Origin, bool IsDeleted)
{
    internal static PathName Of(PathStruct path, PathStruct root) => Of(path.Mnt.Value, path.Dentry.Value, root);

    /// <summary>The path of a name that is seen through a mount.</summary>
    /// <exception cref="KernelWalkException">No root is reached.</exception>
    public static PathName Of(VfsMount mount, DentryStruct last, PathStruct root)
    {
        var names = new List<DentryStruct>();
        PathOrigin origin = Climb(mount, last, root, names);
        return new PathName(origin == PathOrigin.Nowhere ? last.Name : Join(names), origin, last.IsUnlinked);
    }

    internal static ReadOnlyMemory<byte> InFileSystem(DentryStruct dentry)
    {
        var names = new List<DentryStruct>();
        for (; !dentry.IsRoot; dentry = dentry.DParent.Value)
        {
            dentry.Kernel.TakeSteps(1);
            if (names.Count == dentry.Kernel.Limits.PathNames) throw Endless(dentry);
            names.Add(dentry);
        }

        return Join(names);
    }

    private static PathOrigin Climb(VfsMount mount, DentryStruct dentry, PathStruct root, List<DentryStruct> names)
    {
        GuestVirtualAddress rootMount = root.Mnt.Address;
        GuestVirtualAddress rootDentry = root.Dentry.Address;
        for (int step = 0; mount.Address != rootMount || dentry.Address != rootDentry; step++)
        {
            dentry.Kernel.TakeSteps(1);
            if (step == dentry.Kernel.Limits.PathNames) throw Endless(dentry);
            if (dentry.Address == mount.MntRoot.Address)
            {
                MountStruct whole = mount.Mount;
                MountStruct parent = whole.MntParent.Value;
                if (parent.Address == whole.Address) return PathOrigin.Elsewhere;
                dentry = whole.MntMountpoint.Value;
                mount = parent.Mnt;
                continue;
            }

            // Its own parent, but not its mount's root: a file of an internal file system, or one that escaped its mount.
            if (dentry.IsRoot) return names.Count == 0 ? PathOrigin.Nowhere : PathOrigin.Elsewhere;
            names.Add(dentry);
            dentry = dentry.DParent.Value;
        }

        return PathOrigin.Root;
    }

    /// <summary>From names, the last first, to a path.</summary>
    private static ReadOnlyMemory<byte> Join(List<DentryStruct> names)
    {
        if (names.Count == 0) return "/"u8.ToArray();
        var bytes = new List<byte>();
        for (int i = names.Count - 1; i >= 0; i--)
        {
            bytes.Add((byte)'/');
            bytes.AddRange(names[i].Name);
        }

        names[0].Kernel.TakeBytes(bytes.Count);
        return bytes.ToArray();
    }

    private static KernelWalkException Endless(DentryStruct last) =>
        last.Kernel.Astray(last.Address, "dentry.d_parent", $"no root is reached within {last.Kernel.Limits.PathNames} names");
}
