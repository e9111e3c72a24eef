using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Containers.Files;

/// <summary>The file systems that a running guest has mounted of its disks, each opened once.</summary>
internal sealed class MountedDisks(GuestKernel kernel, IReadOnlyList<IDiskImage> volumes)
{
    private const int MaxFileSystems = 64;

    private readonly Dictionary<GuestVirtualAddress, IFileSystem?> _opened = [];

    /// <summary>Null where it is on a disk that is not there, or of a kind that is not read.</summary>
    internal IFileSystem? FilesOf(MountedFiles mount)
    {
        if (mount.Kind == MountKind.Memory) return new MemoryFileSystem(kernel.At<DentryStruct>(mount.Root));
        if (mount.Kind != MountKind.Disk) return null;
        if (!_opened.TryGetValue(mount.SuperBlock, out IFileSystem? files))
        {
            if (_opened.Count == MaxFileSystems) throw new GuestFileException($"The guest has mounted more than {MaxFileSystems} file systems of disks.");
            _opened[mount.SuperBlock] = files = Open(mount.SuperBlock);
        }

        return files is null || mount.Within.Span.SequenceEqual("/"u8) ? files : new PartOfFileSystem(files, mount.Within);
    }

    private MountedFileSystem? Open(GuestVirtualAddress superBlock)
    {
        (Guid uuid, GuestVirtualAddress device) = GuestInode.Look(kernel, look =>
        {
            SuperBlock super = look.At<SuperBlock>(superBlock);
            return (super.Uuid, super.SBdev.Address);
        });
        foreach (IDiskImage volume in volumes)
        {
            if (!Ext4FileSystem.IsOn(volume)) continue;
            Ext4FileSystem files = Ext4FileSystem.OpenMounted(new MountedVolume(volume, kernel.At<BlockDeviceStruct>(device)));
            if (files.Uuid == uuid) return new MountedFileSystem(files, kernel.At<SuperBlock>(superBlock));
        }

        return null;
    }

    /// <summary>A directory or file of a file system that is mounted by itself (mount --bind). It is looked for when it is asked for: most are not.</summary>
    private sealed class PartOfFileSystem(IFileSystem files, ReadOnlyMemory<byte> path) : IFileSystem
    {
        public IInode Root => files.Root.Find(path.Span, followLast: false);
    }
}
