using Watari.Disk.FileSystems;

namespace Watari.Containers.Files;

/// <summary>A file system among others, whose files say that they are of this one.</summary>
/// <param name="number">Its <see cref="FileStatus.Dev"/>.</param>
internal sealed class NumberedFileSystem(IFileSystem files, ulong number) : IFileSystem
{
    public IInode Root => new Inode(files.Root, number);

    private sealed class Inode(IInode inode, ulong number) : DelegatingInode(inode)
    {
        public override FileStatus Status => base.Status with { Dev = number };

        protected override IInode Wrap(IInode inode) => new Inode(inode, number);
    }
}
