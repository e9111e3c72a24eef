using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Files that are opened again by their path, and what is left of those whose path is gone.</summary>
internal sealed class PathFiles(FileScope scope, SharedMemories memory)
{
    private const long MaxGhostBytes = 64 << 20;

    private const uint AccessMode = 3;
    private const uint WriteOnly = 1;
    private const uint Append = 0x400;

    private readonly Dictionary<GuestVirtualAddress, GhostFileId?> _ghosts = [];
    private readonly ImmutableArray<GhostFile>.Builder _ghostFiles = ImmutableArray.CreateBuilder<GhostFile>();

    public ImmutableArray<GhostFile> Ghosts => _ghostFiles.ToImmutable();

    public Model.OpenFile? Capture(CapturedFile file, PathStruct path, uint flags, ulong position)
    {
        PathName name = path.NameFrom(scope.Root);
        string text = KernelText.Decode(name.Bytes.Span);
        InodeStruct inode = path.Dentry.Value.DInode.Value;
        file.What = $"{KindOf(inode)} {text}";
        if (name.Origin != PathOrigin.Root)
            return file.Refuse("it lies outside of the container's root; it would not be found again");

        bool isMemory = IsOn(inode, "tmpfs"u8);
        if (!scope.HasOwnMounts && !name.IsDeleted && isMemory && inode.Type is FileType.Regular or FileType.Fifo)
            return file.Refuse("it lies on a tmpfs of the VM's own, which is not carried with a process; move it to a disk");
        if (!isMemory && inode.Type == FileType.Regular && !name.IsDeleted && (flags & AccessMode) != 0)
            file.Mention("what it holds is not carried: the destination must have the same file");

        GhostFileId? ghost = null;
        if (name.IsDeleted)
        {
            ghost = CaptureGhost(file, inode);
            if (ghost is null) return null;
        }

        bool appendsOnly = (flags & AccessMode) == WriteOnly && (flags & Append) != 0;
        return new PathFile
        {
            Id = file.Id,
            Flags = flags,
            Owner = file.File.Address.IsNull || file.Holders[0].Hold != FileHold.Descriptor ? default : file.Owner,
            Path = text,
            MountId = scope.HasOwnMounts ? path.Mnt.Value.Mount.MntId : null,
            Mode = inode.IMode,
            Position = position,
            // A log that is only ever appended to may grow meanwhile.
            Size = inode.Type == FileType.Regular && !appendsOnly ? (ulong)inode.ISize : null,
            Ghost = ghost,
        };
    }

    private GhostFileId? CaptureGhost(CapturedFile file, InodeStruct inode)
    {
        if (_ghosts.TryGetValue(inode.Address, out GhostFileId? known)) return known;
        if ((WhyNoGhost(inode) ?? WhyNoRoom(file, inode)) is { } reason)
        {
            file.Refuse(reason);
            return null;
        }

        var id = new GhostFileId((uint)_ghosts.Count + 1);
        _ghosts.Add(inode.Address, id);
        _ghostFiles.Add(new GhostFile
        {
            Id = id,
            Uid = inode.IUid,
            Gid = inode.IGid,
            Mode = inode.IMode,
            Device = inode.ISb.Value.SDev,
            Inode = inode.IIno,
            DeviceNumber = inode.Type == FileType.CharacterDevice ? inode.IRdev : null,
            AccessTime = TimeOf(inode.AtimeSeconds, inode.AtimeNanoseconds),
            ModificationTime = TimeOf(inode.MtimeSeconds, inode.MtimeNanoseconds),
            Contents = inode.Type == FileType.Regular
                ? new PagedContents((ulong)inode.ISize, memory.PagesOf(file, inode))
                : new InlineContents(ReadOnlyMemory<byte>.Empty),
        });
        return id;
    }

    /// <summary>A file's time; what does not fit into 64 bits of nanoseconds (the year 2262) becomes the nearest that does.</summary>
    private static Nanoseconds TimeOf(long seconds, uint nanoseconds)
    {
        const long perSecond = 1_000_000_000;
        return new Nanoseconds(Math.Clamp(seconds, 0, long.MaxValue / perSecond - 1) * perSecond + nanoseconds % perSecond);
    }

    private static string? WhyNoGhost(InodeStruct inode)
    {
        SuperBlock fileSystem = inode.ISb.Value;
        string type = fileSystem.SType.Value.Name.ToString();
        if (inode.INlink > 0 && inode.Type != FileType.Directory)
            return "it was opened by a name that is gone, while another name leads to it; such files are not carried";
        if (inode.Type is not (FileType.Regular or FileType.CharacterDevice))
            return $"it is a deleted {KindOf(inode)}; only deleted files are carried";
        if (inode.ISize is < 0 or > MaxGhostBytes)
            return $"it is deleted and {inode.ISize} bytes long; deleted files are carried up to {MaxGhostBytes} bytes";
        return type == "tmpfs" ? null : $"it is deleted and lay on {type}: its contents are on the guest's disk alone; deleted files are carried from tmpfs only";
    }

    private static string? WhyNoRoom(CapturedFile file, InodeStruct inode) =>
        inode.Type != FileType.Regular || file.Budget.TryTakeContents((ulong)inode.ISize)
            ? null
            : $"it is deleted, and the container's deleted files and those on tmpfs hold more than {CaptureBudget.MostContents >> 20} MiB, the most that is carried";

    private static bool IsOn(InodeStruct inode, ReadOnlySpan<byte> fileSystem) => inode.ISb.Value.SType.Value.Name.SequenceEqual(fileSystem);

    private static string KindOf(InodeStruct inode) => inode.Type switch
    {
        FileType.Directory => "directory",
        FileType.CharacterDevice => "device",
        FileType.Fifo => "FIFO",
        FileType.SymbolicLink => "symbolic link",
        _ => "file",
    };
}
