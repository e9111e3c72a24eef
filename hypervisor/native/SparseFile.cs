using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>Files with holes (lseek(2), SEEK_DATA and SEEK_HOLE).</summary>
internal static class SparseFile
{
    /// <summary>The stretches of a range that have data, in order; offsets are the file's. A file system that knows no holes says that all is data.</summary>
    internal static IEnumerable<(long Offset, long Length)> Data(SafeFileHandle file, long offset, long length)
    {
        long end = offset + length;
        for (long data = Seek(file, offset, LibC.SeekData); data < end;)
        {
            long hole = Math.Min(Seek(file, data, LibC.SeekHole), end);
            yield return (data, hole - data);
            data = hole < end ? Seek(file, hole, LibC.SeekData) : end;
        }
    }

    private static long Seek(SafeFileHandle file, long offset, int whence)
    {
        long found = LibC.Lseek(file, offset, whence);
        if (found >= 0) return found;
        return Marshal.GetLastPInvokeError() == LibC.Enxio
            ? long.MaxValue // no data from here on
            : throw new HypervisorException($"A file cannot tell its holes (lseek: {Marshal.GetLastPInvokeErrorMessage()}).");
    }
}
