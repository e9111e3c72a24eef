using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>
/// Writes single words of a kernel that stands still. The few callers say which words and why that is safe; nothing else
/// of a kernel is written.
/// </summary>
internal readonly struct KernelWriter(StillGuest still, GuestMemoryWriter memory)
{
    public GuestKernel Kernel => still.Kernel;

    public void Write<T>(GuestVirtualAddress address, T value) where T : unmanaged =>
        memory.Write(Kernel.AddressSpace.Translate(address), value);

    public void SetBits(GuestVirtualAddress address, ulong bits) => Write(address, Kernel.AddressSpace.Read<ulong>(address) | bits);

    public void ClearBits(GuestVirtualAddress address, ulong bits) => Write(address, Kernel.AddressSpace.Read<ulong>(address) & ~bits);
}
