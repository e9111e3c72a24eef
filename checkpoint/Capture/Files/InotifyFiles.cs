using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>inotify instances; a watch is on an inode, of which a restore needs a path.</summary>
internal sealed class InotifyFiles(FileScope scope)
{
    private const uint HandleInodeGeneration = 1; // FILEID_INO32_GEN

    private ImmutableArray<MountStruct> _mounts;

    public Model.OpenFile? Capture(CapturedFile file)
    {
        FsnotifyGroup group = FsnotifyGroup.At(file.File.Kernel, file.File.PrivateData);
        var watches = ImmutableArray.CreateBuilder<InotifyWatch>();
        foreach (InotifyInodeMark mark in group.Watches)
        {
            file.Budget.TakeObjects(1);
            InodeStruct inode = mark.Mark.Connector.Value.Inode;
            if (PathOf(file, inode) is not (var path, var mount))
            {
                file.Refuse($"it watches a file (inode {inode.IIno} of {inode.ISb.Value.SType.Value.Name}) that has no path in the container");
                continue;
            }

            (uint Bytes, ImmutableArray<ulong> Words) handle = HandleOf(inode);
            watches.Add(new InotifyWatch
            {
                WatchDescriptor = (uint)mark.Wd,
                Inode = inode.IIno,
                Device = inode.ISb.Value.SDev,
                Mask = mark.Mark.UserMask,
                HandleBytes = handle.Bytes,
                HandleType = HandleInodeGeneration,
                Handle = handle.Words,
                Path = path,
                MountId = scope.HasOwnMounts ? mount : null,
            });
        }

        uint waiting = group.QueueLength;
        if (waiting > 0) file.Mention($"{waiting} events that were not read are lost");
        // The list has the newest first; watches are made again in the order in which they are given.
        watches.Sort(static (left, right) => left.WatchDescriptor.CompareTo(right.WatchDescriptor));
        return new Inotify { Id = file.Id, Flags = file.Flags, Owner = file.Owner, Watches = watches.ToImmutable() };
    }

    /// <summary>
    /// The file handle, as the file system makes it (export_encode_inode_fh; shmem_encode_fh). A restore goes by the path.
    /// </summary>
    private static (uint Bytes, ImmutableArray<ulong> Words) HandleOf(InodeStruct inode)
    {
        ulong number = inode.IIno;
        uint generation = inode.IGeneration;
        return inode.ISb.Value.SType.Value.Name.SequenceEqual("tmpfs"u8)
            ? (12, [generation | number << 32, number >> 32])
            : (8, [(uint)number | (ulong)generation << 32]);
    }

    /// <summary>A path by which the container sees an inode, and the mount it goes through.</summary>
    private (string Path, int Mount)? PathOf(CapturedFile file, InodeStruct inode)
    {
        if (_mounts.IsDefault) _mounts = [.. MountsOfContainer()];
        GuestVirtualAddress fileSystem = inode.ISb.Address;
        foreach (MountStruct mount in _mounts)
        {
            file.Budget.TakeObjects(1);
            if (mount.Mnt.MntSb.Address != fileSystem) continue;
            foreach (DentryStruct dentry in inode.Aliases)
            {
                file.Budget.TakeObjects(1);
                PathName name = PathName.Of(mount.Mnt, dentry, scope.Root);
                if (name is { Origin: PathOrigin.Root, IsDeleted: false }) return (KernelText.Decode(name.Bytes.Span), mount.MntId);
            }
        }

        return null;
    }

    private IEnumerable<MountStruct> MountsOfContainer()
    {
        MntNamespace space = MntNamespace.At(scope.Kernel, scope.Root.Mnt.Value.Mount.MntNs);
        foreach (MountStruct mount in space.Mounts) yield return mount;
    }
}
