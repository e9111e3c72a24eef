using Watari.Disk;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Containers.Files;

/// <summary>
/// The files of a running guest as its first process sees them: its disks with what of them is only in its memory yet, and what lives in
/// memory alone. Of a guest that does not run, its disk is all there is (<see cref="OfDisks"/>).
/// <code>
/// IFileSystem files = GuestFiles.Of(kernel, Volumes.Of(disk));
/// byte[] state = files.Root.Find("/run/runc/redis/state.json"u8).ReadAll(1 &lt;&lt; 20);
/// </code>
/// </summary>
public static class GuestFiles
{
    /// <param name="kernel">The guest's.</param>
    /// <param name="volumes">Of the guest's disks: what is mounted of them is told by the UUID that a file system bears on the disk and in the kernel.</param>
    /// <exception cref="GuestFileException">The guest's memory cannot be read; or its root is on none of the volumes that can be read. Of what else is mounted, what cannot be read says so when it is looked at.</exception>
    /// <exception cref="DiskException"/>
    public static IFileSystem Of(GuestKernel kernel, IReadOnlyList<IDiskImage> volumes)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(volumes);
        IReadOnlyList<MountedFiles> mounts = MountedFiles.SeenBy(kernel, FirstProcess);
        var disks = new MountedDisks(kernel, volumes);
        if (!disks.TryOpen(mounts[0], out IFileSystem? root, out string why)) throw new GuestFileException($"The guest's root, a mount of {mounts[0].FileSystem}, cannot be read: {why}.");
        var tree = new MountTree(root);
        foreach (MountedFiles mount in mounts.Skip(1)) tree.Mount(mount.Path.Span, disks.FilesOf(mount));
        return tree;
    }

    /// <summary>
    /// The files of a guest that does not run, or whose kernel cannot be read: those of the volume that holds its root, as of the last commit of
    /// its journal. What it had mounted elsewhere is not known.
    /// </summary>
    /// <exception cref="GuestFileException">No root is on any of the volumes that can be read.</exception>
    public static IFileSystem OfDisks(IReadOnlyList<IDiskImage> volumes)
    {
        ArgumentNullException.ThrowIfNull(volumes);
        DiskException? first = null;
        foreach (IDiskImage volume in volumes)
        {
            try
            {
                if (!Ext4FileSystem.IsOn(volume)) continue;
                var files = Ext4FileSystem.Open(volume);
                if (files.Root.TryFind("/etc/passwd"u8, out _)) return files;
            }
            catch (DiskException e) when (e is not DiskDeadlineException)
            {
                first ??= e; // the root may be on another
            }
        }

        throw new GuestFileException($"None of the guest's disks that can be read holds its root.{(first is null ? "" : $" One cannot be read: {first.Message}.")}", first);
    }

    private static TaskStruct FirstProcess(GuestKernel look) =>
        look.TryFindProcess(1, out TaskStruct first) ? first : throw new KernelWalkException("init_task.tasks", "there is no process 1");
}
