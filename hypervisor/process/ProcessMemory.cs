using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>
/// The memory of another process, to be copied by its own addresses. What is read or written is that process's or nobody's: its pid may be
/// given to another when it has ended. Safe to be used by many threads at once.
/// </summary>
internal sealed unsafe class ProcessMemory : IDisposable
{
    /// <summary>Most pieces that one call takes (UIO_MAXIOV, include/uapi/linux/uio.h).</summary>
    internal const int MostPieces = 1024;

    private const int PageSize = 4096;

    // Documentation/admin-guide/mm/pagemap.rst
    private const ulong Present = 1UL << 63, Swapped = 1UL << 62;

    private readonly ProcessHandle _process;
    private readonly SafeFileHandle _memory;
    private readonly SafeFileHandle _pageMap;

    private ProcessMemory(ProcessHandle process, SafeFileHandle memory, SafeFileHandle pageMap)
    {
        _process = process;
        _memory = memory;
        _pageMap = pageMap;
    }

    /// <exception cref="HypervisorException">It has ended, or we may not look into it (ptrace(2), "Ptrace access mode checking").</exception>
    internal static ProcessMemory Open(QemuProcess process)
    {
        SafeFileHandle? memory = null, pageMap = null;
        try
        {
            // Both refer to the memory itself and not to whoever has that pid later (mem_open in fs/proc/base.c).
            memory = OpenProc(process, "mem", FileAccess.ReadWrite);
            pageMap = OpenProc(process, "pagemap", FileAccess.Read);
            ProcessHandle handle = ProcessHandle.TryOpen(process.Id) ?? throw Gone(process.Id);
            return new ProcessMemory(handle, memory, pageMap);
        }
        catch
        {
            memory?.Dispose();
            pageMap?.Dispose();
            throw;
        }
    }

    /// <summary>Copies what lies at an address.</summary>
    /// <exception cref="HypervisorException">The process has ended, or has nothing there.</exception>
    internal void Read(ulong address, Span<byte> destination)
    {
        fixed (byte* start = destination)
        {
            for (int done = 0; done < destination.Length;)
            {
                var local = new LibC.IoVec { Start = start + done, Length = (nuint)(destination.Length - done) };
                var remote = new LibC.IoVec { Start = (void*)(address + (ulong)done), Length = local.Length };
                done += Read(&local, &remote, 1); // it copies 2 GiB at most (MAX_RW_COUNT), or up to a page that is not there
            }
        }
    }

    /// <summary>Copies the eight bytes at each address, <see cref="MostPieces"/> of them at most, in one call.</summary>
    /// <exception cref="HypervisorException">The process has ended, or has nothing at one of them.</exception>
    internal void ReadWords(ReadOnlySpan<ulong> addresses, Span<ulong> words)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(addresses.Length, MostPieces);
        ArgumentOutOfRangeException.ThrowIfNotEqual(words.Length, addresses.Length);
        if (addresses.IsEmpty) return;
        LibC.IoVec* remote = stackalloc LibC.IoVec[MostPieces];
        for (int i = 0; i < addresses.Length; i++) remote[i] = new LibC.IoVec { Start = (void*)addresses[i], Length = sizeof(ulong) };
        fixed (ulong* start = words)
        {
            var local = new LibC.IoVec { Start = start, Length = (nuint)addresses.Length * sizeof(ulong) };
            if (Read(&local, remote, addresses.Length) < addresses.Length * sizeof(ulong)) throw NotThere(addresses[^1], addresses.Length * sizeof(ulong));
        }
    }

    /// <summary>Writes at an address.</summary>
    /// <remarks>
    /// By /proc/PID/mem, which a later process of that pid cannot stand behind; process_vm_writev(2) would have to be asked about that before,
    /// and would write none the faster what is written in one piece.
    /// </remarks>
    /// <exception cref="HypervisorException">The process has ended, or has nothing there.</exception>
    internal void Write(ulong address, ReadOnlySpan<byte> source)
    {
        fixed (byte* start = source)
        {
            for (int done = 0; done < source.Length;)
            {
                nint written = LibC.Pwrite(_memory, start + done, (nuint)(source.Length - done), (long)(address + (ulong)done));
                if (written == 0) throw Gone(_process.Id); // nothing is mapped any more
                if (written < 0) throw Failed(address + (ulong)done, source.Length - done);
                done += (int)written;
            }
        }
    }

    /// <summary>Tells of each page from an address on where it is. Touches none of them.</summary>
    /// <param name="address">Of the first page.</param>
    /// <param name="anonymous">Whether a page that the process never touched reads as zero, or as some file says.</param>
    /// <param name="places">Where they are.</param>
    internal void QueryPages(ulong address, bool anonymous, Span<PagePlace> places)
    {
        Span<byte> entries = stackalloc byte[512 * sizeof(ulong)];
        for (int done = 0; done < places.Length;)
        {
            int wanted = Math.Min(places.Length - done, 512) * sizeof(ulong);
            int read = RandomAccess.Read(_pageMap, entries[..wanted], (long)(address / PageSize + (ulong)done) * sizeof(ulong));
            if (read == 0) throw Gone(_process.Id);
            for (int i = 0; i < read / sizeof(ulong); i++)
            {
                ulong entry = BinaryPrimitives.ReadUInt64LittleEndian(entries[(i * sizeof(ulong))..]);
                places[done++] = (entry & Present) != 0 ? PagePlace.Resident
                    : (entry & Swapped) != 0 || !anonymous ? PagePlace.Elsewhere
                    : PagePlace.Nowhere;
            }
        }
    }

    public void Dispose()
    {
        _process.Dispose();
        _memory.Dispose();
        _pageMap.Dispose();
    }

    private int Read(LibC.IoVec* local, LibC.IoVec* remote, int pieces)
    {
        nint read = LibC.ProcessVmReadv(_process.Id, local, 1, remote, (nuint)pieces, 0);
        int error = read < 0 ? Marshal.GetLastPInvokeError() : 0;
        // A process that lives now has had its pid all the while: what was read is its own.
        if (_process.HasEnded) throw Gone(_process.Id);
        if (read > 0) return (int)read;
        throw Failed((ulong)remote->Start, (long)remote->Length, error);
    }

    private HypervisorException Failed(ulong address, long length, int? error = null)
    {
        int code = error ?? Marshal.GetLastPInvokeError();
        return code switch
        {
            LibC.Esrch => Gone(_process.Id),
            LibC.Eperm => new HypervisorException($"The memory of process {_process.Id} may not be read from here: run as root with CAP_SYS_PTRACE, in the pid namespace of this QEMU."),
            _ => _process.HasEnded ? Gone(_process.Id) : NotThere(address, length),
        };
    }

    private HypervisorException NotThere(ulong address, long length) => new(string.Create(CultureInfo.InvariantCulture,
        $"Process {_process.Id} has no memory any more at 0x{address:x} ({length} bytes), where QEMU said that its guest's RAM is: memory was unplugged, or failed (hwpoison). Attach to the VM anew."));

    private static HypervisorException Gone(int process) => new($"Process {process}, whose memory was the VM's RAM, has ended, and the RAM with it.");

    private static SafeFileHandle OpenProc(QemuProcess process, string name, FileAccess access)
    {
        try
        {
            return File.OpenHandle($"/proc/{process.Id}/{name}", FileMode.Open, access, FileShare.ReadWrite);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException(
                $"The RAM of this VM is private to its QEMU (process {process.Id}), and {name} of that process cannot be opened: {failure.Message}. "
                + "Run as root with CAP_SYS_PTRACE, or start the VM with shared RAM (-object memory-backend-memfd,id=ram,size=SIZE,share=on -machine ...,memory-backend=ram).", failure);
        }
    }
}
