using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>The few system calls that .NET does not offer. Numbers and constants are those of x86-64 Linux.</summary>
internal static unsafe partial class LibC
{
    internal const int ProtRead = 1, ProtWrite = 2, MapShared = 1;
    internal const int MadvDontFork = 10, MadvDontDump = 16;
    internal const int SeekData = 3, SeekHole = 4;
    internal const int SigKill = 9;
    internal const int LockExclusive = 2;
    internal const int OpenReadWrite = 2, OpenCreate = 0x40, OpenCloseOnExec = 0x80000;
    internal const int SolSocket = 1, SoPeerCred = 17;
    internal const short PollIn = 1;
    internal const int Enxio = 6, Esrch = 3, Eperm = 1;
    internal const long SysPidfdSendSignal = 424, SysPidfdOpen = 434;
    internal static readonly void* MapFailed = (void*)-1;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    internal static partial void* Mmap(void* address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    internal static partial int Munmap(void* address, nuint length);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    internal static partial int Madvise(void* address, nuint length, int advice);

    /// <summary>process_vm_readv(2): scattered pieces of another process's memory, in one call.</summary>
    [LibraryImport("libc", EntryPoint = "process_vm_readv", SetLastError = true)]
    internal static partial nint ProcessVmReadv(int process, IoVec* local, nuint localCount, IoVec* remote, nuint remoteCount, nuint flags);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    internal static partial nint Pwrite(SafeFileHandle file, void* bytes, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    internal static partial long Lseek(SafeFileHandle file, long offset, int whence);

    /// <summary>open(2). .NET's own takes a shared lock by itself, and fails where another holds an exclusive one.</summary>
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    internal static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    internal static partial int Flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    internal static partial int Poll(PollFd* descriptors, nuint count, int milliseconds);

    /// <summary>syscall(2), for what glibc wraps only since 2.36.</summary>
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    internal static partial long Syscall(long number, long first, long second, long third, long fourth);

    /// <summary>struct iovec (sys/uio.h).</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVec
    {
        internal void* Start;
        internal nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollFd
    {
        internal int Descriptor;
        internal short Events;
        internal short Returned;
    }
}
