using System.Text;

namespace Watari.Introspection.Fs;

/// <summary>
/// Finds a path in the directory cache, across mounts, as a task with some root sees it. Only what the kernel remembers is found:
/// on tmpfs that is all there is, on a disk what was used of late. Symbolic links are not followed.
/// </summary>
public static class NameLookup
{
    /// <summary>The place of an absolute path; false where a name of it is not in the cache.</summary>
    /// <param name="root">Where the path begins.</param>
    /// <param name="mounts">The namespace whose mounts are crossed.</param>
    /// <param name="path">Names between slashes.</param>
    /// <param name="found">The dentry, in the topmost mount there.</param>
    public static bool TryLookup(PathStruct root, MntNamespace mounts, string path, out DentryStruct found)
    {
        VfsMount mount = root.Mnt.Value;
        found = root.Dentry.Value;
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryChild(found, Encoding.UTF8.GetBytes(name), out found)) return false;
            Climb(ref mount, ref found, mounts);
        }

        return true;
    }

    private static bool TryChild(DentryStruct directory, ReadOnlySpan<byte> name, out DentryStruct child)
    {
        foreach (DentryStruct candidate in directory.Children)
        {
            if (candidate.DInode.IsNull || candidate.IsUnlinked || !candidate.Name.AsSpan().SequenceEqual(name)) continue;
            child = candidate;
            return true;
        }

        child = default;
        return false;
    }

    /// <summary>Goes from a mount point to the root of what is mounted there, and on while something is mounted on that.</summary>
    private static void Climb(ref VfsMount mount, ref DentryStruct dentry, MntNamespace mounts)
    {
        int limit = dentry.Kernel.Limits.Depth;
        for (int height = 0; height < limit; height++)
        {
            bool covered = false;
            foreach (MountStruct candidate in mounts.Mounts)
            {
                if (candidate.MntMountpoint.Address != dentry.Address || candidate.MntParent.Address != mount.Mount.Address
                    || candidate.Address == candidate.MntParent.Address)
                {
                    continue;
                }

                mount = candidate.Mnt;
                dentry = mount.MntRoot.Value;
                covered = true;
                break;
            }

            if (!covered) return;
        }

        throw mount.Kernel.Astray(mount.Address, "mount.mnt_mountpoint", $"more than {limit} mounts stand on one another");
    }
}
