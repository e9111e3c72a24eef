using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>What must be on disk, and not only on its way there.</summary>
internal static partial class DurableFiles
{
    /// <summary>The names in a directory are on disk only when it is flushed itself.</summary>
    /// <exception cref="IOException">It cannot be.</exception>
    public static void FlushDirectory(string directory)
    {
        const int readDirectory = 0x10000 | 0x80000; // O_RDONLY | O_DIRECTORY | O_CLOEXEC
        using SafeFileHandle handle = Open(directory, readDirectory, 0);
        if (handle.IsInvalid || Fsync(handle) != 0)
            throw new IOException($"'{directory}' cannot be flushed ({Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())})");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(SafeFileHandle file);
}
