using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>A lock between processes (flock(2)) on a file that stays. It ends with its process, however that ends.</summary>
internal sealed class FileLock : IDisposable
{
    private const uint OwnerMayReadAndWrite = 0x180; // 0600

    private readonly SafeFileHandle _file;

    private FileLock(SafeFileHandle file) => _file = file;

    /// <summary>Waits for as long as another holds it.</summary>
    internal static async Task<FileLock> AcquireAsync(string path)
    {
        SafeFileHandle file = LibC.Open(path, LibC.OpenReadWrite | LibC.OpenCreate | LibC.OpenCloseOnExec, OwnerMayReadAndWrite);
        if (file.IsInvalid)
        {
            string reason = Marshal.GetLastPInvokeErrorMessage();
            file.Dispose();
            throw new HypervisorException($"{path} cannot be opened: {reason}.");
        }

        int failed = await Task.Factory.StartNew(
            () => LibC.Flock(file, LibC.LockExclusive) < 0 ? Marshal.GetLastPInvokeError() : 0,
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (failed == 0) return new FileLock(file);
        file.Dispose();
        throw new HypervisorException($"{path} cannot be locked: {Marshal.GetPInvokeErrorMessage(failed)}.");
    }

    public void Dispose() => _file.Dispose();
}
