using System.Globalization;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Memory;

/// <summary>
/// Single bytes of another process's memory, many pages in one call (process_vm_writev(2)). What
/// that refuses, a private area without write permission, goes through /proc/PID/mem, which does
/// not ask for it (FOLL_FORCE). Neither stops the process nor needs it stopped by ptrace, so both
/// work on a frozen one.
/// </summary>
internal sealed unsafe class RemoteBytes(int pid) : IDisposable
{
    private const int MostPages = 512;

    private readonly KernelFile memory = KernelFile.Open($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/mem", Libc.O_RDWR);
    private readonly Libc.IoVector[] remote = new Libc.IoVector[MostPages];
    private readonly byte[] bytes = new byte[MostPages];

    /// <summary>Writes a zero byte to each address.</summary>
    public void WriteZeros(ReadOnlySpan<ulong> addresses)
    {
        Array.Clear(bytes);
        Write(addresses);
    }

    /// <summary>Writes to each address the byte that is there: a page shared copy-on-write becomes the process's own.</summary>
    public void WriteBack(ReadOnlySpan<ulong> addresses)
    {
        for (int i = 0; i < addresses.Length; i++)
        {
            fixed (byte* at = &bytes[i])
            {
                if (Libc.pread(memory.Fd, at, 1, (long)addresses[i]) == 1)
                    _ = Libc.pwrite(memory.Fd, at, 1, (long)addresses[i]);
            }
        }
    }

    public void Dispose() => memory.Dispose();

    private void Write(ReadOnlySpan<ulong> addresses)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(addresses.Length, MostPages);
        for (int i = 0; i < addresses.Length; i++)
            remote[i] = new Libc.IoVector { Base = (nint)addresses[i], Length = 1 };
        fixed (byte* local = bytes)
        fixed (Libc.IoVector* vectors = remote)
        {
            for (int done = 0; done < addresses.Length;)
            {
                Libc.IoVector from = new() { Base = (nint)local, Length = (nuint)(addresses.Length - done) };
                nint written = Libc.process_vm_writev(pid, &from, 1, vectors + done, (ulong)(addresses.Length - done), 0);
                done += (int)Math.Max(written, 0);
                if (done < addresses.Length)
                {
                    // It stopped at this page. Whether the other way worked, the pagemap will tell.
                    _ = Libc.pwrite(memory.Fd, local, 1, (long)addresses[done]);
                    done++;
                }
            }
        }
    }
}
