using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Silo.Engine.Restores;

/// <summary>Files that are files: to open a FIFO takes until somebody writes to it, and a device has no end.</summary>
internal static partial class RegularFiles
{
    private const int Enoent = 2, Enotdir = 20;

    /// <summary>Opens a file to be read. Nothing else at that path keeps it waiting.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="IOException">It is another kind of file, or cannot be read.</exception>
    public static FileStream Open(string path)
    {
        const int readWithoutWaiting = 0x800 | 0x80000; // O_RDONLY | O_NONBLOCK | O_CLOEXEC
        if (path.Contains('\0', StringComparison.Ordinal)) throw new IOException("no path has a zero in it");
        SafeFileHandle handle = Open(path, readWithoutWaiting, 0);
        try
        {
            if (handle.IsInvalid)
            {
                int error = Marshal.GetLastPInvokeError();
                throw error is Enoent or Enotdir ? new FileNotFoundException($"there is no '{path}'") : new IOException(Marshal.GetPInvokeErrorMessage(error));
            }

            if (!IsRegular(handle)) throw new IOException("it is no regular file");
            return new FileStream(handle, FileAccess.Read, 1 << 16);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static bool IsRegular(SafeFileHandle file)
    {
        const int emptyPath = 0x1000, typeAlone = 1; // AT_EMPTY_PATH, STATX_TYPE
        const int modeAt = 28, statxBytes = 256, typeMask = 0xf000, regular = 0x8000; // struct statx is the same on each architecture
        Span<byte> status = stackalloc byte[statxBytes];
        if (Statx(file, "", emptyPath, typeAlone, status) != 0) throw new IOException(Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError()));
        return (BitConverter.ToUInt16(status[modeAt..]) & typeMask) == regular;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(SafeFileHandle file, string path, int flags, uint mask, Span<byte> status);
}
