using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>inotify instances; a watch is on an inode, of which a restore needs a path.</summary>
internal sealed class InotifyFiles(FileScope scope)
{
    private const uint HandleInodeGeneration = 1; // FILEID_INO32_GEN
    private const uint HandleBytes = 8;

    private ImmutableArray<MountStruct> _mounts;

    public Model.OpenFile? Capture(CapturedFile file)
    {
        FsnotifyGroup group = FsnotifyGroup.At(file.File.Kernel, file.File.PrivateData);
        var watches = ImmutableArray.CreateBuilder<InotifyWatch>();
        foreach (InotifyInodeMark mark in group.Watches)
        {
            InodeStruct inode = mark.Mark.Connector.Value.Inode;
            if (PathOf(inode) is not (var path, var mount))
            {
                file.Refuse($"it watches a file (inode {inode.IIno} of {inode.ISb.Value.SType.Value.Name}) that has no path in the container");
                continue;
            }

            watches.Add(new InotifyWatch
            {
                WatchDescriptor = (uint)mark.Wd,
                Inode = inode.IIno,
                Device = inode.ISb.Value.SDev,
                Mask = mark.Mark.UserMask,
                HandleBytes = HandleBytes,
                HandleType = HandleInodeGeneration,
                Handle = [(uint)inode.IIno | (ulong)inode.IGeneration << 32],
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

    /// <summary>A path by which the container sees an inode, and the mount it goes through.</summary>
    private (string Path, int Mount)? PathOf(InodeStruct inode)
    {
        if (_mounts.IsDefault) _mounts = [.. MountsOfContainer()];
        GuestVirtualAddress fileSystem = inode.ISb.Address;
        foreach (MountStruct mount in _mounts)
        {
            if (mount.Mnt.MntSb.Address != fileSystem) continue;
            foreach (DentryStruct dentry in inode.Aliases)
            {
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
