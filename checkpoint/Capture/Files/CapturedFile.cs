using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Introspection.Walks;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>A file that is being captured: who holds it, what it is, what is said of it.</summary>
internal sealed class CapturedFile(FileId id, FileScope scope, FileStruct file, FileHolder holder, VerdictList verdicts, CaptureBudget budget)
{
    // What fcntl F_GETFL can show and an open can set again; the kernel keeps more in f_flags.
    private const uint ModelFlags =
        0x3        // O_ACCMODE
        | 0x400    // O_APPEND
        | 0x800    // O_NONBLOCK
        | 0x1000   // O_DSYNC
        | 0x2000   // FASYNC
        | 0x4000   // O_DIRECT
        | 0x8000   // O_LARGEFILE
        | 0x10000  // O_DIRECTORY
        | 0x20000  // O_NOFOLLOW
        | 0x40000  // O_NOATIME
        | 0x100000 // __O_SYNC
        | 0x200000; // O_PATH

    public FileId Id { get; } = id;

    public FileScope Scope { get; } = scope;

    public CaptureBudget Budget { get; } = budget;

    /// <summary>The struct file; none where a place is only named.</summary>
    public FileStruct File { get; } = file;

    public List<FileHolder> Holders { get; } = [holder];

    /// <summary>In words, for verdicts: "unix socket", "file /data/x".</summary>
    public string What { get; set; } = "file";

    /// <summary>An end of a pipe, refused or not.</summary>
    public bool IsPipe { get; set; }

    /// <summary>Of a socket, refused or not: the number of its inode; else 0.</summary>
    public uint SocketInode { get; set; }

    /// <summary>Of an epoll: the struct files that it watches, in the order of its targets.</summary>
    public IReadOnlyList<GuestVirtualAddress> Watched { get; set; } = [];

    /// <summary>What became of it; null where it is refused.</summary>
    public Model.OpenFile? Model { get; set; }

    /// <summary>O_* without what only the kernel knows.</summary>
    public uint Flags => File.FFlags & ModelFlags;

    /// <summary>Who gets its signals, in the container's own numbers.</summary>
    public FileOwner Owner
    {
        get
        {
            if (File.Owner is not { } owner) return default;
            if (owner.Pid.IsNull) return new FileOwner(0, 0, (uint)owner.Signum, 0, 0);
            if (PidStruct.At(File.Kernel, owner.Pid).IdIn(Scope.PidNamespace) is not { } pid)
            {
                Refuse("sends its signals (F_SETOWN) to a process outside of the container");
                return default;
            }

            return new FileOwner(owner.Uid, owner.Euid, (uint)owner.Signum, owner.PidType, (uint)pid);
        }
    }

    private string Subject => $"{Holders[0]} ({What})";

    /// <summary>It cannot be carried.</summary>
    /// <returns>Null, in place of the file.</returns>
    public Model.OpenFile? Refuse(string reason)
    {
        verdicts.Add(VerdictKind.Refused, Subject, reason);
        return null;
    }

    /// <summary>It is carried, but there is something to know.</summary>
    public void Mention(string help) => verdicts.Add(VerdictKind.CarriedWithHelp, Subject, help);

    /// <summary>Refuses signals on changes in a directory.</summary>
    public void CheckNotification()
    {
        if (DirectoryNotification.IsAskedFor(File)) Refuse("it tells of changes in the directory by signals (fcntl F_NOTIFY), which is not carried");
    }

    /// <summary>Refuses the locks that are held through it or by a table of descriptors.</summary>
    public void CheckLocks(FilesStruct table)
    {
        if (File.FInode.IsNull || !File.FInode.Value.IFlctx.TryGet(out FileLockContext locks)) return;
        if (IsAmong(locks.FlcFlock, held => held.File.Address == File.Address)) Refuse("it holds a lock (flock), which is not carried");
        if (IsAmong(locks.FlcPosix, held => held.Owner == table.Address || held.Owner == File.Address)) Refuse("it holds a lock (fcntl F_SETLK), which is not carried");
        if (IsAmong(locks.FlcLease, held => held.File.Address == File.Address)) Refuse("it holds a lease (fcntl F_SETLEASE), which is not carried");
    }

    private bool IsAmong(ListHead locks, Predicate<FileLock> isHeld)
    {
        foreach (FileLock held in locks.Entries<FileLock>(static held => held.List))
        {
            Budget.TakeObjects(1);
            if (isHeld(held)) return true;
        }

        return false;
    }
}
