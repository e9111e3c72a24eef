using System.Runtime.InteropServices;

namespace Watari.GuestAgent.Native;

/// <summary>
/// The calls of libc that .NET has no face for. Numbers and layouts are those of x86-64 Linux with
/// glibc; errors come by errno (<see cref="Marshal.GetLastPInvokeError"/>).
/// </summary>
internal static unsafe partial class Libc
{
    private const string Name = "libc";

    // fcntl.h, asm-generic/fcntl.h
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_TRUNC = 0x200, O_APPEND = 0x400, O_NONBLOCK = 0x800, O_DIRECTORY = 0x10000, O_NOFOLLOW = 0x20000, O_EXCL = 0x80, O_CLOEXEC = 0x80000, O_PATH = 0x200000;

    // asm-generic/errno-base.h, asm-generic/errno.h
    public const int EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, EAGAIN = 11, ENOMEM = 12, EFAULT = 14, EBUSY = 16, EEXIST = 17, EXDEV = 18, ENODEV = 19, ENOTDIR = 20, EISDIR = 21, EINVAL = 22, ENOSPC = 28, EPIPE = 32, ENAMETOOLONG = 36, ELOOP = 40, ENODATA = 61, EOPNOTSUPP = 95, EDQUOT = 122;

    // fcntl.h: of the *at calls
    public const int AT_REMOVEDIR = 0x200, AT_EMPTY_PATH = 0x1000;

    // linux/openat2.h
    public const ulong RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8;

    // linux/stat.h
    public const int S_IFMT = 0xf000, S_IFIFO = 0x1000, S_IFCHR = 0x2000, S_IFDIR = 0x4000, S_IFBLK = 0x6000, S_IFREG = 0x8000, S_IFLNK = 0xa000;

    // linux/falloc.h
    public const int FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2;

    // poll.h, sys/epoll.h
    public const short POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 0x10;

    // sched.h, sys/mount.h
    public const int CLONE_NEWNS = 0x20000, CLONE_NEWNET = 0x40000000;
    public const ulong MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_REC = 0x4000, MS_SLAVE = 0x80000;
    public const int MNT_DETACH = 2;

    // signal.h
    public const int SIGKILL = 9, SIGPIPE = 13, SIGTERM = 15;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Fd;
        public short Events;
        public short Revents;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Timespec
    {
        public long Seconds;
        public long Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public nint Base;
        public nuint Length;
    }

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags, int mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int close(int fd);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint read(int fd, void* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint write(int fd, void* buffer, nuint count);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint pread(int fd, void* buffer, nuint count, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint pwrite(int fd, void* buffer, nuint count, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int poll(PollFd* fds, ulong count, int timeout);

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    public struct EpollEvent
    {
        public uint Events;
        public ulong Data;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_ctl(int epoll, int operation, int fd, EpollEvent* change);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int epoll_wait(int epoll, EpollEvent* events, int most, int timeout);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int eventfd(uint value, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int pipe2(int* ends, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fcntl(int fd, int command, nint argument);

    /// <summary>struct open_how (linux/openat2.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct OpenHow
    {
        public ulong Flags;
        public ulong Mode;
        public ulong Resolve;
    }

    [LibraryImport(Name, SetLastError = true)]
    public static partial int openat(int directory, byte* path, int flags, int mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int mkdirat(int directory, byte* path, int mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int unlinkat(int directory, byte* path, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int symlinkat(byte* target, int directory, byte* path);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int linkat(int from, byte* fromPath, int to, byte* toPath, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int mknodat(int directory, byte* path, uint mode, ulong device);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fchownat(int directory, byte* path, uint uid, uint gid, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int chmod(byte* path, uint mode);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int utimensat(int directory, byte* path, Timespec* times, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int statx(int directory, byte* path, int flags, uint mask, void* status);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ftruncate(int fd, long length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint listxattr(byte* path, byte* list, nuint size);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setxattr(byte* path, byte* name, void* value, nuint size, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int removexattr(byte* path, byte* name);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int fallocate(int fd, int mode, long offset, long length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint mmap(nint address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int munmap(nint address, nuint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int mlock(nint address, nuint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint process_vm_readv(int pid, IoVector* local, ulong locals, IoVector* remote, ulong remotes, ulong flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint process_vm_writev(int pid, IoVector* local, ulong locals, IoVector* remote, ulong remotes, ulong flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int kill(int pid, int signal);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int waitpid(int pid, int* status, int options);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int setns(int fd, int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string source, string target, string? type, ulong flags, string? data);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int umount2(string target, int flags);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rmdir(string path);

    [LibraryImport(Name)]
    public static partial void sync();

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_gettime(int clock, Timespec* time);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int clock_settime(int clock, Timespec* time);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int socketpair(int domain, int type, int protocol, int* pair);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int bind(int fd, void* address, uint length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int getsockopt(int fd, int level, int option, void* value, uint* length);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint recvmsg(int fd, void* message, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint sendmsg(int fd, void* message, int flags);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int shutdown(int fd, int how);

    [LibraryImport(Name, SetLastError = true)]
    public static partial int ioctl(int fd, nuint request, void* argument);

    [LibraryImport(Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int execve(string path, byte** arguments, byte** environment);

    [LibraryImport(Name, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn(int* pid, string path, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Name)]
    public static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setsigmask(void* attributes, void* mask);

    [LibraryImport(Name)]
    public static partial int posix_spawnattr_setsigdefault(void* attributes, void* mask);

    [LibraryImport(Name)]
    public static partial nint signal(int number, nint handler);

    [LibraryImport(Name)]
    public static partial int sigemptyset(void* set);

    [LibraryImport(Name)]
    public static partial int sigfillset(void* set);

    [LibraryImport(Name, SetLastError = true)]
    public static partial nint syscall(long number, nint a, nint b, nint c, nint d);
}
