using System.Buffers.Binary;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>
/// Wakes sleeping tasks without anything of ours in the guest: an irq_work is put on a processor's lazy_list, and at that
/// processor's next tick the kernel calls its own process_timeout, which wakes the task that the work names.
/// </summary>
/// <remarks>
/// The works lie in the zero tails of pages that the kernel allocates for good and never fills up: vmcoreinfo_data, and
/// the second page of vmcoreinfo_note, of which only the first 40 bytes can ever be used (kernel/vmcore_info.c).
/// A slot is used again only when the kernel has let go of it.
/// <code>
/// struct irq_work (include/linux/irq_work.h)      seen as struct process_timer (kernel/time/timer.c)
///  +0 next on the list                             +0 timer (unused by process_timeout)
///  +8 u32 flags
/// +16 func = process_timeout
/// +24 irqwait = 0
///                                                 +40 task
/// </code>
/// </remarks>
internal sealed class WakeSlots
{
    private const ulong FlagsOffset = 8;
    private const ulong FuncOffset = 16;
    private const uint PendingOrBusy = 3;

    // IRQ_WORK_PENDING | IRQ_WORK_BUSY | IRQ_WORK_LAZY | CSD_TYPE_IRQ_WORK (include/linux/smp_types.h), since 4b44a21dd640, v5.8.
    private const uint QueuedLazy = 0x27;

    private readonly GuestKernel _kernel;
    private readonly GuestVirtualAddress _wakeFunction;
    private readonly ulong _taskOffset;
    private readonly List<GuestVirtualAddress> _slots = [];

    public WakeSlots(GuestKernel kernel)
    {
        _kernel = kernel;
        _wakeFunction = kernel.Symbols.Find("process_timeout");
        _taskOffset = (ulong)kernel.Types.Member("process_timer", "task").ByteOffset;
        GuestVirtualAddress data = PointerAt("vmcoreinfo_data");
        AddSlots(data + kernel.AddressSpace.Read<ulong>(kernel.Symbols.Find("vmcoreinfo_size")), (data + GuestPage.Size).PageStart);
        GuestVirtualAddress note = PointerAt("vmcoreinfo_note") + GuestPage.Size;
        if (note.PageOffset == 0) AddSlots(note + 64, note + GuestPage.Size);
    }

    /// <summary>How many tasks can be woken at once.</summary>
    public int Count => _slots.Count;

    /// <summary>Whether some work still waits for its processor, or is being done.</summary>
    public bool AnyPending() => _slots.Exists(slot => !IsFree(slot));

    /// <summary>Whether a wake-up of the task is under way.</summary>
    public bool IsWaking(GuestVirtualAddress task) =>
        _slots.Exists(slot => !IsFree(slot) && _kernel.AddressSpace.Read<ulong>(slot + _taskOffset) == task.Value);

    /// <summary>Has the task woken by a processor.</summary>
    /// <returns>False when all slots are taken: the task must wait for the next round.</returns>
    public bool TryWake(KernelWriter writer, GuestVirtualAddress task, int cpu)
    {
        int free = _slots.FindIndex(IsFree);
        if (free < 0) return false;
        GuestVirtualAddress slot = _slots[free];
        GuestVirtualAddress list = _kernel.PerCpu.Address("lazy_list", cpu);
        writer.Write(slot, _kernel.AddressSpace.Read<ulong>(list));
        writer.Write(slot + FuncOffset, _wakeFunction.Value);
        writer.Write(slot + FuncOffset + 8, 0UL);
        writer.Write(slot + _taskOffset, task.Value);
        writer.Write(slot + FlagsOffset, QueuedLazy);
        writer.Write(list, slot.Value);
        return true;
    }

    private bool IsFree(GuestVirtualAddress slot) => (_kernel.AddressSpace.Read<uint>(slot + FlagsOffset) & PendingOrBusy) == 0;

    private GuestVirtualAddress PointerAt(string symbol) => new(_kernel.AddressSpace.Read<ulong>(_kernel.Symbols.Find(symbol)));

    private void AddSlots(GuestVirtualAddress start, GuestVirtualAddress end)
    {
        ulong size = (_taskOffset + 8 + 15) & ~15UL;
        for (var slot = new GuestVirtualAddress((start.Value + 15) & ~15UL); slot + size <= end; slot += size)
        {
            if (IsOurs(slot, (int)size)) _slots.Add(slot);
        }
    }

    /// <summary>Nobody has ever used it, or we have: another silo process before this one, perhaps, whose work is still queued.</summary>
    private bool IsOurs(GuestVirtualAddress slot, int size)
    {
        Span<byte> bytes = stackalloc byte[size];
        _kernel.AddressSpace.Read(slot, bytes);
        return !bytes.ContainsAnyExcept((byte)0) || BinaryPrimitives.ReadUInt64LittleEndian(bytes[(int)FuncOffset..]) == _wakeFunction.Value;
    }
}
