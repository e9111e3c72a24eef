using System.Runtime.InteropServices;
using System.Text;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Volumes;

/// <summary>
/// The files of a volume, by paths from its root on. A path is resolved by the kernel beneath the root and through no link (openat2(2)), and
/// the last name of it is never followed: whatever a list of changes says, nothing outside the volume is touched.
/// </summary>
internal sealed unsafe class VolumeTree(KernelFile root) : IDisposable
{
    private const int SYS_getdents64 = 217, SYS_openat2 = 437;
    private const int MostPathBytes = 4095; // PATH_MAX, with a zero at its end
    private const int DirectoryMode = 0x1c0, FileMode = 0x180; // 0700, 0600
    private const int NamesBytes = 64 << 10;
    private const uint STATX_TYPE = 1, STATX_ATIME = 0x20, STATX_MTIME = 0x40;
    private const int StatxBytes = 256, StatxMode = 28, StatxAtime = 64, StatxMtime = 112; // linux/stat.h

    /// <param name="path">The volume's directory.</param>
    /// <exception cref="KernelException">It cannot be opened.</exception>
    public static VolumeTree Open(string path) => new(KernelFile.Open(path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW));

    public void Dispose() => root.Dispose();

    /// <summary>Removes all that is in the volume.</summary>
    public void Empty()
    {
        while (SomeNamesIn([]) is { Count: > 0 } names)
        {
            foreach (byte[] name in names)
                Remove(name);
        }
    }

    public bool IsEmpty => SomeNamesIn([]).Count == 0;

    /// <summary>Removes a name and all under it; it may be gone.</summary>
    public void Remove(ReadOnlyMemory<byte> path)
    {
        if (path.IsEmpty)
            throw Led(path, "the volume itself is not to be removed");
        if (TryUnlink(path.Span))
            return;
        Stack<byte[]> directories = new([path.ToArray()]);
        while (directories.TryPeek(out byte[]? directory))
        {
            List<byte[]> names = SomeNamesIn(directory);
            foreach (byte[] name in names)
            {
                byte[] inside = [.. directory, (byte)'/', .. name];
                if (!TryUnlink(inside))
                    directories.Push(inside);
            }
            if (names.Count == 0)
                At(directories.Pop(), (parent, name) => Libc.unlinkat(parent, name, Libc.AT_REMOVEDIR));
        }
    }

    /// <summary>Makes a directory where there is none.</summary>
    public void MakeDirectory(ReadOnlyMemory<byte> path)
    {
        if (path.IsEmpty || TypeOf(path.Span) == Libc.S_IFDIR)
            return;
        Remove(path);
        At(path.Span, (parent, name) => Libc.mkdirat(parent, name, DirectoryMode));
    }

    public void MakeSymbolicLink(ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> target)
    {
        Remove(path);
        byte[] to = Terminated(target.Span);
        At(path.Span, (parent, name) =>
        {
            fixed (byte* target = to)
                return Libc.symlinkat(target, parent, name);
        });
    }

    /// <param name="type">S_IFIFO, S_IFCHR or S_IFBLK.</param>
    public void MakeSpecial(ReadOnlyMemory<byte> path, ushort type, uint major, uint minor)
    {
        if (type is not (Libc.S_IFIFO or Libc.S_IFCHR or Libc.S_IFBLK))
            throw Led(path, $"a special file of type {type:x} cannot be made");
        Remove(path);
        // gnu_dev_makedev
        ulong device = ((ulong)(major & 0xfffff000) << 32) | ((ulong)(major & 0xfff) << 8) | ((ulong)(minor & 0xffffff00) << 12) | (minor & 0xff);
        At(path.Span, (parent, name) => Libc.mknodat(parent, name, (uint)type | FileMode, device));
    }

    public void MakeHardLink(ReadOnlyMemory<byte> path, ReadOnlyMemory<byte> to)
    {
        Remove(path);
        using Place from = PlaceOf(to.Span);
        At(path.Span, (parent, name) =>
        {
            fixed (byte* known = from.Name)
                return Libc.linkat(from.Parent.Fd, known, parent, name, 0);
        });
    }

    /// <summary>Opens a regular file to be written.</summary>
    /// <param name="path">Its name.</param>
    /// <param name="isNew">It is made, and what has the name goes.</param>
    public KernelFile OpenFile(ReadOnlyMemory<byte> path, bool isNew)
    {
        if (isNew)
            Remove(path);
        else if (TypeOf(path.Span) != Libc.S_IFREG)
            throw Led(path, "there is no such file to be changed");
        int flags = Libc.O_RDWR | Libc.O_NOFOLLOW | Libc.O_CLOEXEC | (isNew ? Libc.O_CREAT | Libc.O_EXCL : 0);
        return new KernelFile(At(path.Span, (parent, name) => Libc.openat(parent, name, flags, FileMode)));
    }

    /// <summary>Sets owner, permissions, extended attributes and times, and takes away extended attributes that it should not have.</summary>
    public void SetAttributes(ReadOnlyMemory<byte> path, VolumeFileAttributes attributes)
    {
        using KernelFile file = OpenPath(path.Span);
        byte[] link = Encoding.ASCII.GetBytes($"/proc/self/fd/{file.Fd}\0");
        fixed (byte* by = link, nothing = "\0"u8)
        {
            // In this order: a change of the owner takes set-user-id away, and capabilities.
            Check(Libc.fchownat(file.Fd, nothing, attributes.Uid, attributes.Gid, Libc.AT_EMPTY_PATH), path.Span, "chown");
            if (StatusOf(file.Fd).Type != Libc.S_IFLNK)
                Check(Libc.chmod(by, (uint)(attributes.Permissions & 0xfff)), path.Span, "chmod");
            SetExtended(path.Span, by, attributes.Extended);
            Libc.Timespec* times = stackalloc Libc.Timespec[2];
            times[1] = new Libc.Timespec { Seconds = attributes.Seconds, Nanoseconds = Math.Min(attributes.Nanoseconds, 999_999_999) };
            times[0] = times[1];
            Check(Libc.utimensat(file.Fd, nothing, times, Libc.AT_EMPTY_PATH), path.Span, "utimensat");
        }
    }

    /// <summary>Puts an empty file into the volume, and takes it away again when it is disposed; the volume's times are as before then.</summary>
    public IDisposable Mark(string name) => new Placeholder(this, Encoding.UTF8.GetBytes(name));

    private void SetExtended(ReadOnlySpan<byte> path, byte* file, IReadOnlyList<(ReadOnlyMemory<byte> Name, ReadOnlyMemory<byte> Value)> wanted)
    {
        foreach (byte[] name in ExtendedNames(path, file).Where(name => !wanted.Any(one => one.Name.Span.SequenceEqual(name))))
        {
            fixed (byte* at = Terminated(name))
                CheckKept(Libc.removexattr(file, at), path, "removexattr");
        }
        foreach ((ReadOnlyMemory<byte> name, ReadOnlyMemory<byte> value) in wanted)
        {
            fixed (byte* at = Terminated(name.Span), bytes = value.Span)
                CheckKept(Libc.setxattr(file, at, bytes, (nuint)value.Length, 0), path, "setxattr");
        }
    }

    private static List<byte[]> ExtendedNames(ReadOnlySpan<byte> path, byte* file)
    {
        byte[] list = new byte[NamesBytes];
        nint length;
        fixed (byte* at = list)
            length = Libc.listxattr(file, at, (nuint)list.Length);
        if (length < 0 && Marshal.GetLastPInvokeError() == Libc.EOPNOTSUPP)
            return [];
        Check((int)length, path, "listxattr");
        List<byte[]> names = [];
        for (ReadOnlySpan<byte> left = list.AsSpan(0, (int)length); left.IndexOf((byte)0) is >= 0 and int end; left = left[(end + 1)..])
            names.Add(left[..end].ToArray());
        return names;
    }

    private int TypeOf(ReadOnlySpan<byte> path)
    {
        try
        {
            using KernelFile file = OpenPath(path);
            return StatusOf(file.Fd).Type;
        }
        catch (KernelException gone) when (gone.Errno is Libc.ENOENT)
        {
            return 0;
        }
    }

    private static (int Type, Libc.Timespec Accessed, Libc.Timespec Modified) StatusOf(int fd)
    {
        byte* status = stackalloc byte[StatxBytes];
        fixed (byte* nothing = "\0"u8)
            KernelException.Check(Libc.statx(fd, nothing, Libc.AT_EMPTY_PATH, STATX_TYPE | STATX_ATIME | STATX_MTIME, status), "statx");
        return (*(ushort*)(status + StatxMode) & Libc.S_IFMT, TimeAt(status + StatxAtime), TimeAt(status + StatxMtime));

        static Libc.Timespec TimeAt(byte* at) => new() { Seconds = *(long*)at, Nanoseconds = *(uint*)(at + sizeof(long)) };
    }

    /// <returns>False: it is a directory. What is gone is removed.</returns>
    private bool TryUnlink(ReadOnlySpan<byte> path)
    {
        try
        {
            At(path, (parent, name) => Libc.unlinkat(parent, name, 0));
            return true;
        }
        catch (KernelException why) when (why.Errno is Libc.EISDIR)
        {
            return false;
        }
        catch (KernelException why) when (why.Errno is Libc.ENOENT)
        {
            return true;
        }
    }

    /// <summary>What is in a directory, without . and ..; of a large one, the beginning. None: it is empty.</summary>
    private List<byte[]> SomeNamesIn(ReadOnlySpan<byte> path)
    {
        using KernelFile directory = Resolve(path, Libc.O_RDONLY | Libc.O_DIRECTORY);
        List<byte[]> names = [];
        byte[] buffer = new byte[NamesBytes];
        fixed (byte* at = buffer)
        {
            while (names.Count == 0)
            {
                int length = (int)KernelException.Check(Libc.syscall(SYS_getdents64, directory.Fd, (nint)at, buffer.Length, 0), "getdents64");
                if (length == 0)
                    break;
                // struct linux_dirent64: u64 d_ino, s64 d_off, u16 d_reclen, u8 d_type, d_name
                for (int entry = 0; entry < length; entry += *(ushort*)(at + entry + 16))
                {
                    ReadOnlySpan<byte> name = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(at + entry + 19);
                    if (!name.SequenceEqual("."u8) && !name.SequenceEqual(".."u8))
                        names.Add(name.ToArray());
                }
            }
        }
        return names;
    }

    /// <summary>The file of that path itself, be it a link.</summary>
    private KernelFile OpenPath(ReadOnlySpan<byte> path) => path.IsEmpty
        ? Resolve([], Libc.O_PATH)
        : new KernelFile(At(path, (parent, name) => Libc.openat(parent, name, Libc.O_PATH | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0)));

    private delegate int AtName(int parent, byte* name);

    /// <summary>A call on the last name of a path, in the directory that the rest of it leads to.</summary>
    private int At(ReadOnlySpan<byte> path, AtName call)
    {
        using Place place = PlaceOf(path);
        fixed (byte* name = place.Name)
            return Check(call(place.Parent.Fd, name), path, "changing");
    }

    private Place PlaceOf(ReadOnlySpan<byte> path)
    {
        foreach (Range part in path.Split((byte)'/'))
        {
            ReadOnlySpan<byte> name = path[part];
            if (name.IsEmpty || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || name.Contains((byte)0))
                throw Led(path.ToArray(), "a part of it is no name");
        }
        int slash = path.LastIndexOf((byte)'/');
        return new Place(Resolve(slash < 0 ? [] : path[..slash], Libc.O_PATH | Libc.O_DIRECTORY), Terminated(path[(slash + 1)..]));
    }

    private KernelFile Resolve(ReadOnlySpan<byte> path, int flags)
    {
        if (path.Length > MostPathBytes)
            throw Led(path.ToArray(), "it is longer than the kernel's paths");
        Libc.OpenHow how = new() { Flags = (ulong)(flags | Libc.O_CLOEXEC | Libc.O_NOFOLLOW), Resolve = Libc.RESOLVE_BENEATH | Libc.RESOLVE_NO_SYMLINKS | Libc.RESOLVE_NO_MAGICLINKS };
        fixed (byte* at = path.IsEmpty ? ".\0"u8.ToArray() : Terminated(path))
            return new KernelFile(Check((int)Libc.syscall(SYS_openat2, root.Fd, (nint)at, (nint)(&how), sizeof(Libc.OpenHow)), path, "opening"));
    }

    private static byte[] Terminated(ReadOnlySpan<byte> text)
    {
        byte[] terminated = new byte[text.Length + 1];
        text.CopyTo(terminated);
        return terminated;
    }

    private static int Check(int result, ReadOnlySpan<byte> path, string what)
    {
        if (result >= 0)
            return result;
        int errno = Marshal.GetLastPInvokeError();
        throw errno switch
        {
            Libc.ENOSPC or Libc.EDQUOT => new AgentException(new AgentError(AgentErrorCode.NotEnoughDisk, "The guest's disk has no room for the container's volumes: make room, or choose another destination.")),
            Libc.EXDEV or Libc.ELOOP or Libc.ENOTDIR or Libc.ENAMETOOLONG => Led(path.ToArray(), "it leads out of the volume, or through what is no directory"),
            _ => new KernelException($"{what} {Shown(path)}", errno),
        };
    }

    /// <summary>A file system that does not keep an attribute does without it.</summary>
    private static void CheckKept(int result, ReadOnlySpan<byte> path, string what)
    {
        if (result < 0 && Marshal.GetLastPInvokeError() is Libc.EOPNOTSUPP or Libc.ENODATA)
            return;
        Check(result, path, what);
    }

    private static AgentException Led(ReadOnlyMemory<byte> path, string why) =>
        new(new AgentError(AgentErrorCode.CorruptData, $"A change of '{Shown(path.Span)}' in a volume cannot be carried out: {why}."));

    private static string Shown(ReadOnlySpan<byte> path) =>
        string.Concat(Encoding.UTF8.GetString(path[..Math.Min(path.Length, 256)]).Select(letter => letter is < ' ' or > '~' ? '?' : letter));

    private sealed class Place(KernelFile parent, byte[] name) : IDisposable
    {
        public KernelFile Parent => parent;

        public byte[] Name => name;

        public void Dispose() => parent.Dispose();
    }

    private sealed class Placeholder : IDisposable
    {
        private readonly VolumeTree tree;
        private readonly byte[] name;
        private readonly Libc.Timespec accessed, modified;

        public Placeholder(VolumeTree tree, byte[] name)
        {
            (this.tree, this.name) = (tree, name);
            using KernelFile directory = tree.OpenPath([]);
            (_, accessed, modified) = StatusOf(directory.Fd);
            tree.OpenFile(name, isNew: true).Dispose();
        }

        public void Dispose()
        {
            tree.Remove(name);
            using KernelFile directory = tree.OpenPath([]);
            Libc.Timespec* times = stackalloc Libc.Timespec[2] { accessed, modified };
            fixed (byte* nothing = "\0"u8)
                KernelException.Check(Libc.utimensat(directory.Fd, nothing, times, Libc.AT_EMPTY_PATH), "utimensat");
        }
    }
}
