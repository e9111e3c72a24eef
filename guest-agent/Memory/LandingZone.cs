using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Memory;

/// <summary>
/// A file in tmpfs whose pages the host writes from outside, then CRIU reads it as any file. Its
/// pages must stay where the list says. mlock keeps them from being swapped, but compaction and
/// khugepaged may still move them; registered as an io_uring buffer (FOLL_LONGTERM, as for DMA)
/// they cannot be moved until the ring is closed.
/// </summary>
internal sealed unsafe class LandingZone : IDisposable
{
    private const int PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_POPULATE = 0x8000;
    private const int SYS_io_uring_setup = 425, SYS_io_uring_register = 427, IORING_REGISTER_BUFFERS = 0;
    private const int UringParametersSize = 120; // struct io_uring_params
    private const long LargestBuffer = 1L << 30; // io_uring's own bound
    private const int PagesPerRead = 8192;

    private readonly nint address;
    private readonly nuint mapped;
    private readonly KernelFile? ring;

    private LandingZone(nint address, nuint mapped)
    {
        this.address = address;
        this.mapped = mapped;
        ring = Pin(address, mapped);
    }

    /// <summary>The pages cannot move.</summary>
    public bool Pinned => ring is not null;

    /// <summary>Creates the file, all of it allocated.</summary>
    /// <exception cref="AgentException">not-enough-memory.</exception>
    public static LandingZone Create(string path, long length)
    {
        using KernelFile file = KernelFile.Open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_TRUNC | Libc.O_NOFOLLOW, 0x180);
        try
        {
            KernelException.Check(Libc.fallocate(file.Fd, 0, 0, length), path);
            nuint mapped = (nuint)((length + Pagemap.PageSize - 1) / Pagemap.PageSize * Pagemap.PageSize);
            nint address = Libc.mmap(0, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file.Fd, 0);
            KernelException.Check(address == -1 ? -1 : 0, path);
            KernelException.Check(Libc.mlock(address, mapped), path);
            return new LandingZone(address, mapped);
        }
        catch (KernelException full)
        {
            File.Delete(path);
            throw new AgentException(new AgentError(AgentErrorCode.NotEnoughMemory, $"A landing zone of {length} bytes cannot be had: {full.Message}. Free memory in the destination, or choose another."));
        }
    }

    /// <summary>Tells where the pages lie, in the file's order, adjacent ones joined.</summary>
    /// <exception cref="AgentException">internal: the kernel does not say where they are.</exception>
    public void ForEachRun(Action<LandingRun> visit)
    {
        using Pagemap pagemap = new("self");
        PagemapEntry[] entries = new PagemapEntry[PagesPerRead];
        LandingRun run = default;
        ulong pages = mapped / Pagemap.PageSize;
        for (ulong page = 0; page < pages; page++)
        {
            int at = (int)(page % PagesPerRead);
            if (at == 0)
                pagemap.Read((ulong)address + (page * Pagemap.PageSize), entries.AsSpan(0, (int)Math.Min(PagesPerRead, pages - page)));
            ulong frame = entries[at].Frame;
            if (frame == 0)
                throw new AgentException(new AgentError(AgentErrorCode.Internal, "The kernel does not say where the landing zone's pages are (/proc/self/pagemap); the agent must run as root with CAP_SYS_ADMIN."));
            if (run.Pages > 0 && frame == run.Frame + run.Pages)
            {
                run = run with { Pages = run.Pages + 1 };
                continue;
            }
            if (run.Pages > 0)
                visit(run);
            run = new LandingRun(page, frame, 1);
        }
        if (run.Pages > 0)
            visit(run);
    }

    public void Dispose()
    {
        ring?.Dispose();
        _ = Libc.munmap(address, mapped);
    }

    private static KernelFile? Pin(nint address, nuint length)
    {
        byte* parameters = stackalloc byte[UringParametersSize];
        new Span<byte>(parameters, UringParametersSize).Clear();
        nint fd = Libc.syscall(SYS_io_uring_setup, 1, (nint)parameters, 0, 0);
        if (fd < 0)
            return null;
        KernelFile ring = new((int)fd);
        int count = (int)(((long)length + LargestBuffer - 1) / LargestBuffer);
        Libc.IoVector* buffers = (Libc.IoVector*)NativeMemory.Alloc((nuint)count, (nuint)sizeof(Libc.IoVector));
        for (int i = 0; i < count; i++)
        {
            long offset = i * LargestBuffer;
            buffers[i] = new Libc.IoVector { Base = address + (nint)offset, Length = (nuint)Math.Min(LargestBuffer, (long)length - offset) };
        }
        nint registered = Libc.syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, (nint)buffers, count);
        NativeMemory.Free(buffers);
        if (registered >= 0)
            return ring;
        ring.Dispose();
        return null;
    }
}
