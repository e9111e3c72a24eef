using System.Diagnostics;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;

namespace Watari.Silo.Engine.Inventory;

/// <summary>
/// Ends a look that takes too long, or that nobody waits for any more: each step in the guest's files and disks asks it. The steps are bounded one
/// by one elsewhere; a guest can have very many of them.
/// </summary>
internal sealed class LookWatch
{
    private TimeSpan _most = TimeSpan.MaxValue;
    private long _began;
    private CancellationToken _cancellation;

    public bool IsLate => Left <= TimeSpan.Zero;

    /// <summary>Nothing, or less, where it should have ended.</summary>
    public TimeSpan Left => _most - Stopwatch.GetElapsedTime(_began);

    /// <summary>The time of a look counts from now on; before, none does.</summary>
    public void Begin(TimeSpan most, CancellationToken cancellationToken)
    {
        _most = most;
        _began = Stopwatch.GetTimestamp();
        _cancellation = cancellationToken;
    }

    /// <exception cref="DiskDeadlineException">The look took too long.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits for it.</exception>
    public void Check()
    {
        _cancellation.ThrowIfCancellationRequested();
        if (IsLate) throw new DiskDeadlineException(_most);
    }
}

/// <summary>A disk that is read only as long as a look lasts.</summary>
internal sealed class WatchedDisk(IDiskImage disk, LookWatch watch) : IDiskImage
{
    public long Length => disk.Length;

    public void Read(long offset, Span<byte> destination)
    {
        watch.Check();
        disk.Read(offset, destination);
    }
}

/// <summary>Files that are read only as long as a look lasts, wherever they are: much of them may be held in memory.</summary>
internal sealed class WatchedFiles(IFileSystem files, LookWatch watch) : IFileSystem
{
    public IInode Root => new Inode(files.Root, watch);

    private sealed class Inode(IInode inode, LookWatch watch) : DelegatingInode(inode)
    {
        public override IEnumerable<DirectoryEntry> Entries
        {
            get
            {
                foreach (DirectoryEntry entry in base.Entries)
                {
                    watch.Check();
                    yield return entry;
                }
            }
        }

        protected override IInode Inner
        {
            get
            {
                watch.Check();
                return base.Inner;
            }
        }

        protected override IInode Wrap(IInode inode) => new Inode(inode, watch);
    }
}
