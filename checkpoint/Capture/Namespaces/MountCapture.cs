using System.Collections.Immutable;
using System.Globalization;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Types;
using KernelMountFlags = Watari.Introspection.Fs.MountFlags;
using KernelText = Watari.Checkpoint.Model.KernelText;
using MountFlags = Watari.Checkpoint.Model.MountFlags;

namespace Watari.Checkpoint.Capture.Namespaces;

/// <summary>
/// The mounts that a container can reach. Of a mount that its own file systems do not explain the contents stay where they
/// are: it gets the key by which the runtime hands it in at the destination.
/// </summary>
internal sealed class MountCapture(PathStruct root, CaptureContext context)
{
    // Made anew at the destination, whoever else has them mounted.
    private static readonly HashSet<string> Virtual = ["proc", "sysfs", "mqueue", "cgroup", "cgroup2", "devpts"];

    private const string MaskedFile = "/null";
    private const string MaskedKey = "/dev/null"; // runc masks files with the container's own null device

    private static readonly (KernelMountFlags Kernel, MountFlags Flag)[] Flags =
    [
        (KernelMountFlags.ReadOnly, MountFlags.ReadOnly),
        (KernelMountFlags.NoSuid, MountFlags.NoSuid),
        (KernelMountFlags.NoDev, MountFlags.NoDev),
        (KernelMountFlags.NoExec, MountFlags.NoExec),
        (KernelMountFlags.NoAtime, MountFlags.NoAtime),
        (KernelMountFlags.NoDirAtime, MountFlags.NoDirAtime),
        (KernelMountFlags.RelAtime, MountFlags.RelAtime),
    ];

    // SB_RDONLY, SB_SYNCHRONOUS, SB_MANDLOCK, SB_DIRSYNC (include/linux/fs.h).
    private const ulong CarriedSuperblockFlags = 1 | 0x10 | 0x40 | 0x80;

    /// <summary>The mounts of a namespace below the container's root.</summary>
    public MountNamespace Capture(MntNamespace space)
    {
        var mounts = ImmutableArray.CreateBuilder<Mount>();
        foreach (MountStruct mount in space.Mounts)
        {
            if (!IsReachable(mount))
                continue;
            context.Budget.TakeObjects(1);
            mounts.Add(Capture(mount, space));
        }
        return new MountNamespace(space.Inum, mounts.ToImmutable());
    }

    /// <summary>The contents of those tmpfs that are the container's own.</summary>
    public ImmutableArray<TmpfsTree> CaptureTmpfs(MntNamespace space)
    {
        var trees = new Dictionary<uint, TmpfsTree>();
        foreach (MountStruct mount in space.Mounts)
        {
            SuperBlock superblock = mount.Mnt.MntSb.Value;
            if (NameOf(superblock) != "tmpfs" || !mount.Mnt.MntRoot.Value.IsRoot || !IsReachable(mount) || IsShared(superblock, space))
                continue;
            if (!trees.ContainsKey(superblock.SDev))
                trees.Add(superblock.SDev, new TmpfsTree(superblock.SDev, new TmpfsCapture(context, MountPointOf(mount)).Capture(mount.Mnt.MntRoot.Value)));
        }
        return [.. trees.Values.OrderBy(tree => tree.Device)];
    }

    private Mount Capture(MountStruct mount, MntNamespace space)
    {
        VfsMount seen = mount.Mnt;
        SuperBlock superblock = seen.MntSb.Value;
        string fileSystem = NameOf(superblock);
        string mountPoint = MountPointOf(mount);
        string inside = RootOf(seen, fileSystem);
        return new Mount
        {
            Id = mount.MntId,
            ParentId = mount.MntParent.Value.MntId,
            FileSystem = fileSystem,
            Device = superblock.SDev,
            Root = inside,
            MountPoint = mountPoint,
            Source = mount.MntDevname.IsNull ? "none" : TextOf(mount.MntDevname),
            Options = OptionsOf(superblock, fileSystem),
            Flags = FlagsOf(seen.Flags),
            SuperblockFlags = (MountFlags)(superblock.SFlags & CarriedSuperblockFlags),
            PeerGroup = seen.Flags.HasFlag(KernelMountFlags.Shared) ? (uint)mount.MntGroupId : 0,
            MasterGroup = mount.MntMaster.TryGet(out MountStruct master) ? (uint)master.MntGroupId : 0,
            ExternalKey = KeyOf(superblock, fileSystem, inside, mountPoint, space),
        };
    }

    private string? KeyOf(SuperBlock superblock, string fileSystem, string inside, string mountPoint, MntNamespace space)
    {
        if (mountPoint == "/" || Virtual.Contains(fileSystem))
            return null;
        if (fileSystem is "tmpfs" or "devtmpfs" && inside == MaskedFile)
            return MaskedKey;
        if (fileSystem == "tmpfs" && !IsShared(superblock, space))
            return null;
        context.NeedsHelp($"mount {mountPoint}", $"{inside} of a {fileSystem} from outside of the container; the destination's container must have the same there");
        return mountPoint;
    }

    private bool IsReachable(MountStruct mount)
    {
        for (int depth = 0; depth < context.Kernel.Limits.Entries; depth++)
        {
            if (mount.Mnt.Address == root.Mnt.Address)
                return true;
            MountStruct parent = mount.MntParent.Value;
            if (parent.Address == mount.Address)
                return false;
            context.Kernel.TakeSteps(1);
            mount = parent;
        }
        throw new KernelWalkException("mount.mnt_parent", $"no topmost mount is reached within {context.Kernel.Limits.Entries} steps");
    }

    /// <summary>Somebody outside of this namespace has the file system mounted too.</summary>
    private static bool IsShared(SuperBlock superblock, MntNamespace space)
    {
        foreach (MountStruct mount in superblock.Mounts)
        {
            if (!mount.MntNs.IsNull && mount.MntNs != space.Address && !IsInternal(mount))
                return true;
        }
        return false;
    }

    // A mount of the kernel's own has an error for a namespace (MNT_NS_INTERNAL).
    private static bool IsInternal(MountStruct mount) => mount.MntNs.Value > unchecked((ulong)-4096L);

    private string MountPointOf(MountStruct mount) => KernelText.Decode(PathName.Of(mount.Mnt, mount.Mnt.MntRoot.Value, root).Bytes.Span);

    /// <summary>What of its file system a mount shows; cgroups are told from the namespace's own root.</summary>
    private static string RootOf(VfsMount mount, string fileSystem) =>
        fileSystem == "cgroup2" ? "/" : KernelText.Decode(mount.MntRoot.Value.PathInFileSystem.Span);

    private static string NameOf(SuperBlock superblock) => superblock.SType.Value.Name.ToString();

    private static string TextOf(KernelCharPointer text)
    {
        var bytes = new List<byte>();
        text.AppendTo(bytes);
        return KernelText.Decode(bytes.ToArray());
    }

    private static MountFlags FlagsOf(KernelMountFlags flags)
    {
        var result = MountFlags.None;
        foreach ((KernelMountFlags kernel, MountFlags flag) in Flags)
        {
            if (flags.HasFlag(kernel))
                result |= flag;
        }
        return (flags & (KernelMountFlags.NoAtime | KernelMountFlags.RelAtime)) == 0 ? result | MountFlags.StrictAtime : result;
    }

    /// <summary>What the file system has to be made with again, as /proc/PID/mountinfo shows it.</summary>
    private static string OptionsOf(SuperBlock superblock, string fileSystem) => fileSystem switch
    {
        "tmpfs" => OptionsOf(ShmemSbInfo.At(superblock.Kernel, superblock.SFsInfo)),
        "devpts" => OptionsOf(PtsFsInfo.At(superblock.Kernel, superblock.SFsInfo)),
        _ => "",
    };

    private static string OptionsOf(ShmemSbInfo tmpfs)
    {
        const uint DefaultMode = 0x3ff; // rwxrwxrwt
        var options = new List<string>();
        if (tmpfs.MaxBlocks != 0)
            options.Add(string.Create(CultureInfo.InvariantCulture, $"size={tmpfs.MaxBlocks * (GuestPage.Size / 1024)}k"));
        if (tmpfs.Mode != DefaultMode)
            options.Add("mode=" + Octal(tmpfs.Mode));
        if (tmpfs.Uid != 0)
            options.Add(string.Create(CultureInfo.InvariantCulture, $"uid={tmpfs.Uid}"));
        if (tmpfs.Gid != 0)
            options.Add(string.Create(CultureInfo.InvariantCulture, $"gid={tmpfs.Gid}"));
        if (tmpfs.FullInums == true)
            options.Add("inode64");
        return string.Join(',', options);
    }

    private static string OptionsOf(PtsFsInfo devpts)
    {
        string gid = devpts.SetGid != 0 ? string.Create(CultureInfo.InvariantCulture, $"gid={devpts.Gid},") : "";
        return $"{gid}mode={Octal(devpts.Mode)},ptmxmode={Octal(devpts.PtmxMode)},newinstance";
    }

    private static string Octal(ushort mode) => Convert.ToString(mode, 8).PadLeft(3, '0');
}
