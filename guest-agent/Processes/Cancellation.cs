using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Processes;

/// <summary>A bell that a waiting poll(2) hears: an eventfd that stays readable once struck.</summary>
internal sealed unsafe class Cancellation : IDisposable
{
    private const int EFD_CLOEXEC = 0x80000, EFD_NONBLOCK = 0x800;

    private readonly KernelFile bell = new(KernelException.Check(Libc.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"));

    public int Fd => bell.Fd;

    public bool Struck { get; private set; }

    public void Strike()
    {
        Struck = true;
        ulong one = 1;
        _ = Libc.write(bell.Fd, &one, sizeof(ulong));
    }

    public void Dispose() => bell.Dispose();
}
