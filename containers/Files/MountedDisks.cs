using System.Diagnostics.CodeAnalysis;
using Watari.Disk;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Containers.Files;

/// <summary>The file systems that a running guest has mounted, those of its disks opened once each.</summary>
internal sealed class MountedDisks(GuestKernel kernel, IReadOnlyList<IDiskImage> volumes)
{
    private const int MaxFileSystems = 64;
    private const string Deleted = "a file that was deleted";

    private readonly Dictionary<GuestVirtualAddress, (IFileSystem? Files, string? Why)> _opened = [];

    /// <summary>What is mounted; where that cannot be read, what says so in its place.</summary>
    internal IFileSystem FilesOf(MountedFiles mount) => TryOpen(mount, out IFileSystem? files, out string why) ? files : UnreadableFileSystem.Of(mount, why);

    /// <summary>False with the reason, where it is on a disk that is not there or cannot be read, or of a kind that is not read.</summary>
    internal bool TryOpen(MountedFiles mount, [NotNullWhen(true)] out IFileSystem? files, out string why)
    {
        (files, string? problem) = mount.Kind switch
        {
            MountKind.Memory => (new MemoryFileSystem(kernel.At<DentryStruct>(mount.Root)), null),
            MountKind.MadeUp => (null, "what is in it is made up by the guest's kernel when it is asked, and is in no memory before"),
            MountKind.Disk when mount.IsDeleted => (null, Deleted),
            MountKind.Disk => OfDisk(mount),
            _ => ((IFileSystem?)null, "this kind of file system is not read"),
        };
        why = problem ?? "";
        return files is not null;
    }

    private (IFileSystem? Files, string? Why) OfDisk(MountedFiles mount)
    {
        if (!_opened.TryGetValue(mount.SuperBlock, out (IFileSystem? Files, string? Why) disk))
        {
            if (_opened.Count == MaxFileSystems) return (null, $"more than {MaxFileSystems} file systems of disks are mounted");
            _opened[mount.SuperBlock] = disk = Open(mount.SuperBlock);
        }

        return disk.Files is null || mount.Within.Span.SequenceEqual("/"u8) ? disk : (new PartOfFileSystem(disk.Files, mount), null);
    }

    /// <summary>A volume that cannot be read keeps no other from being read.</summary>
    private (IFileSystem? Files, string? Why) Open(GuestVirtualAddress superBlock)
    {
        string why = "it is on a disk that is not there";
        try
        {
            (Guid uuid, GuestVirtualAddress device) = GuestInode.Look(kernel, look =>
            {
                SuperBlock super = look.At<SuperBlock>(superBlock);
                return (super.Uuid, super.SBdev.Address);
            });
            foreach (IDiskImage volume in volumes)
            {
                try
                {
                    if (!Ext4FileSystem.IsOn(volume)) continue;
                    Ext4FileSystem files = Ext4FileSystem.OpenMounted(new MountedVolume(volume, kernel.At<BlockDeviceStruct>(device)));
                    if (files.Uuid == uuid) return (new MountedFileSystem(files, kernel.At<SuperBlock>(superBlock)), null);
                }
                catch (DiskException e) when (e is not DiskDeadlineException)
                {
                    why = $"it is on none of the disks that can be read, and one cannot: {e.Message}";
                }
            }
        }
        catch (GuestFileException e)
        {
            why = e.Message;
        }

        return (null, why);
    }

    /// <summary>A directory or file of a file system that is mounted by itself (mount --bind). It is looked for when it is asked for: most are not.</summary>
    private sealed class PartOfFileSystem(IFileSystem files, MountedFiles mount) : IFileSystem
    {
        /// <summary>That it cannot be read is told when it is read: the directory that it is mounted in stays readable.</summary>
        public IInode Root
        {
            get
            {
                try
                {
                    // Its name may have become another file's since.
                    return files.Root.TryFind(mount.Within.Span, out IInode? root, followLast: false) && root.Status.Ino == mount.Status.Ino ? root : UnreadableFileSystem.Of(mount, Deleted).Root;
                }
                catch (DiskException e) when (e is not DiskDeadlineException)
                {
                    return UnreadableFileSystem.Of(mount, e.Message).Root;
                }
            }
        }
    }
}
