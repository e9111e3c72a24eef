using System.Collections.Frozen;
using Watari.Introspection.Fs;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>What a struct file is.</summary>
internal enum FileKind
{
    Unsupported,

    /// <summary>What a path leads to: a regular file, a directory, a device node.</summary>
    Path,
    Pipe,
    Fifo,
    EventFd,
    EventPoll,
    TimerFd,
    SignalFd,
    Inotify,
    Socket,
    Memfd,

    /// <summary>Shared anonymous memory; never behind a descriptor.</summary>
    SharedMemory,
    Namespace,
}

/// <summary>Tells files apart by their file system and their operations.</summary>
internal static class FileKinds
{
    private const uint PathOnly = 0x200000; // O_PATH
    private const string MemfdPrefix = "memfd:";

    private static readonly FrozenDictionary<string, FileKind> s_byOperations = new Dictionary<string, FileKind>
    {
        ["eventfd_fops"] = FileKind.EventFd,
        ["eventpoll_fops"] = FileKind.EventPoll,
        ["timerfd_fops"] = FileKind.TimerFd,
        ["signalfd_fops"] = FileKind.SignalFd,
        ["inotify_fops"] = FileKind.Inotify,
    }.ToFrozenDictionary();

    public static FileKind Of(FileStruct file)
    {
        InodeStruct inode = file.FInode.Value;
        KernelCharPointerName fileSystem = new(inode);
        if (fileSystem.Is("anon_inodefs"u8))
            return file.Kernel.Symbols.TryGetName(file.FOp, out string? operations) ? s_byOperations.GetValueOrDefault(operations) : FileKind.Unsupported;
        if (fileSystem.Is("sockfs"u8)) return FileKind.Socket;
        if (fileSystem.Is("pipefs"u8)) return FileKind.Pipe;
        if (fileSystem.Is("nsfs"u8)) return FileKind.Namespace;
        if (fileSystem.Is("pidfs"u8) || fileSystem.Is("mqueue"u8) || fileSystem.Is("hugetlbfs"u8) || fileSystem.Is("secretmem"u8) || fileSystem.Is("dmabuf"u8))
            return inode.Type == FileType.Directory ? FileKind.Path : FileKind.Unsupported;
        if (fileSystem.Is("tmpfs"u8) && file.FPath.Dentry.Value.IsRoot && inode.Type == FileType.Regular)
            return OfNameless(file);
        return inode.Type switch
        {
            FileType.Regular or FileType.Directory => FileKind.Path,
            FileType.SymbolicLink when (file.FFlags & PathOnly) != 0 => FileKind.Path,
            FileType.CharacterDevice when MemoryDevices.Includes(inode) => FileKind.Path,
            FileType.Fifo when (file.FFlags & PathOnly) == 0 => FileKind.Fifo,
            _ => FileKind.Unsupported,
        };
    }

    /// <summary>In words.</summary>
    public static string NameOf(FileStruct file, FileKind kind) => kind switch
    {
        FileKind.Pipe => $"pipe:[{file.FInode.Value.IIno}]",
        FileKind.Fifo => "FIFO",
        FileKind.EventFd => "eventfd",
        FileKind.EventPoll => "epoll",
        FileKind.TimerFd => "timerfd",
        FileKind.SignalFd => "signalfd",
        FileKind.Inotify => "inotify",
        FileKind.Socket => "socket",
        FileKind.Memfd => Text(file.FPath.Dentry.Value.Name),
        FileKind.SharedMemory => "shared memory",
        FileKind.Namespace => "namespace",
        FileKind.Unsupported => UnsupportedName(file),
        _ => "file",
    };

    /// <summary>Why a file of no known kind is refused.</summary>
    public static string WhyNot(FileStruct file)
    {
        InodeStruct inode = file.FInode.Value;
        return inode.Type switch
        {
            _ when (file.FFlags & PathOnly) != 0 => "it was opened with O_PATH, which is carried only for files and directories",
            FileType.CharacterDevice when TerminalDevices.Includes(inode) => "terminals are not carried; start the container without one (no -t)",
            FileType.CharacterDevice or FileType.BlockDevice => "devices other than null, zero, full, random and urandom are not carried",
            _ when IsSysV(file) => "shared memory of System V is not carried",
            _ => "files of this kind are not carried; close it before the migration",
        };
    }

    /// <summary>The name that memfd_create(2) was given.</summary>
    public static string MemfdName(FileStruct file)
    {
        string name = Text(file.FPath.Dentry.Value.Name);
        return name.StartsWith(MemfdPrefix, StringComparison.Ordinal) ? name[MemfdPrefix.Length..] : name;
    }

    private static FileKind OfNameless(FileStruct file)
    {
        ReadOnlySpan<byte> name = file.FPath.Dentry.Value.Name;
        if (name.StartsWith("memfd:"u8)) return FileKind.Memfd;
        return name.SequenceEqual("dev/zero"u8) ? FileKind.SharedMemory : FileKind.Unsupported;
    }

    private static bool IsSysV(FileStruct file) => file.FPath.Dentry.Value is { IsRoot: true } dentry && dentry.Name.AsSpan().StartsWith("SYSV"u8);

    private static string UnsupportedName(FileStruct file)
    {
        InodeStruct inode = file.FInode.Value;
        string name = Text(file.FPath.Dentry.Value.Name);
        string fileSystem = inode.ISb.Value.SType.Value.Name.ToString();
        return inode.Type switch
        {
            FileType.CharacterDevice => $"character device {inode.IRdev >> 20}:{inode.IRdev & 0xfffff}, {name}",
            FileType.BlockDevice => $"block device {inode.IRdev >> 20}:{inode.IRdev & 0xfffff}, {name}",
            FileType.Socket or FileType.Fifo or FileType.SymbolicLink => $"{name}",
            _ when IsSysV(file) => $"System V shared memory {name}",
            _ when fileSystem == "pidfs" => "pidfd",
            _ when fileSystem == "mqueue" => $"POSIX message queue {name}",
            _ when fileSystem == "anon_inodefs" => $"anon_inode:{name}",
            _ => $"{fileSystem}: {name}",
        };
    }

    private static string Text(ReadOnlySpan<byte> name) => Model.KernelText.Decode(name);

    /// <summary>The name of an inode's file system, compared without being copied.</summary>
    private readonly struct KernelCharPointerName(InodeStruct inode)
    {
        private readonly Introspection.Types.KernelCharPointer _name = inode.ISb.Value.SType.Value.Name;

        public bool Is(ReadOnlySpan<byte> name) => _name.SequenceEqual(name);
    }
}

/// <summary>The memory devices that hold no state, by their numbers (Documentation/admin-guide/devices.txt).</summary>
internal static class MemoryDevices
{
    private const uint Major = 1;

    /// <summary>null, zero, full, random, urandom.</summary>
    public static bool Includes(InodeStruct inode) => inode.IRdev >> 20 == Major && (inode.IRdev & 0xfffff) is 3 or 5 or 7 or 8 or 9;
}

/// <summary>Terminals, by their numbers (Documentation/admin-guide/devices.txt).</summary>
internal static class TerminalDevices
{
    /// <summary>tty, console and ptmx, virtual and serial ones, pseudo-terminals.</summary>
    public static bool Includes(InodeStruct inode) => (inode.IRdev >> 20) is 4 or 5 or (>= 128 and <= 143) or 204 or 229;
}
