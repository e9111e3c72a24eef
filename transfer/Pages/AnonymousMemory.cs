using System.ComponentModel;
using System.Runtime.InteropServices;
using Watari.Transfer.Sockets;

namespace Watari.Transfer;

/// <summary>
/// Anonymous memory outside the managed heap: address space for all that was announced, physical memory only for what
/// was written. It is left out of core dumps, for it holds a container's memory.
/// </summary>
internal sealed unsafe class AnonymousMemory : SafeHandle
{
    private readonly nuint _length;

    public AnonymousMemory(PageCount pages)
        : base(0, ownsHandle: true)
    {
        _length = (nuint)Math.Max(pages.Bytes, PageCount.Size);
        void* start = Libc.Map(null, _length, Libc.PROT_READ_WRITE, Libc.MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
        if (start == (void*)-1)
        {
            int error = Marshal.GetLastPInvokeError();
            throw new TransferException(TransferFailure.NoRoom, $"No room for {pages.Bytes >> 20} MiB of pages: {new Win32Exception(error).Message}.");
        }
        // Huge pages make the first touch cheap; where the kernel has none, base pages do.
        _ = Libc.Advise(start, _length, Libc.MADV_HUGEPAGE);
        _ = Libc.Advise(start, _length, Libc.MADV_DONTDUMP);
        SetHandle((nint)start);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>Pages from <paramref name="first"/> on; valid until this is disposed.</summary>
    public Span<byte> Pages(long first, int count)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((nuint)((first + count) * PageCount.Size), _length);
        return new Span<byte>((byte*)handle + first * PageCount.Size, count * PageCount.Size);
    }

    /// <summary>
    /// Makes the first <paramref name="pages"/> pages present, step by step, until done or <paramref name="enough"/>:
    /// first touches cost more than receiving the bytes.
    /// </summary>
    public void Populate(PageCount pages, Func<bool> enough)
    {
        const int step = 16 << 20;
        nuint end = Math.Min((nuint)pages.Bytes, _length);
        for (nuint at = 0; at < end && !enough(); at += step)
        {
            // Kernels before 5.14 do not know it; memory may be short: then pages come when they are touched.
            if (Libc.Advise((byte*)handle + at, Math.Min(step, end - at), Libc.MADV_POPULATE_WRITE) != 0) return;
        }
    }

    protected override bool ReleaseHandle() => Libc.Unmap((void*)handle, _length) == 0;
}
