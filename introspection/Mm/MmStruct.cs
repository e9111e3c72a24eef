using Watari.Introspection.Fs;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Mm;

/// <summary>The memory of a process (include/linux/mm_types.h). Addresses are the process's own.</summary>
[KernelStruct("mm_struct")]
public readonly partial record struct MmStruct
{
    /// <summary>The root of its page tables, at a kernel address.</summary>
    [Field] public partial GuestVirtualAddress Pgd { get; }

    /// <summary>VMAs by address since d4af56c5c7c6, v6.1.</summary>
    [Embedded(Optional = true)] public partial MapleTree? MmMt { get; }

    /// <summary>VMAs as a list before v6.1.</summary>
    [Field(Optional = true)] public partial Ptr<VmAreaStruct>? Mmap { get; }

    [Field] public partial int MapCount { get; }

    /// <summary>Held for writing while areas change, and by khugepaged while a table's entry is empty though its pages are not.</summary>
    [Embedded(Optional = true)] public partial RwSemaphore? MmapLock { get; }

    [Field] public partial GuestVirtualAddress StartCode { get; }

    [Field] public partial GuestVirtualAddress EndCode { get; }

    [Field] public partial GuestVirtualAddress StartData { get; }

    [Field] public partial GuestVirtualAddress EndData { get; }

    [Field] public partial GuestVirtualAddress StartBrk { get; }

    [Field] public partial GuestVirtualAddress Brk { get; }

    [Field] public partial GuestVirtualAddress StartStack { get; }

    [Field] public partial GuestVirtualAddress ArgStart { get; }

    [Field] public partial GuestVirtualAddress ArgEnd { get; }

    [Field] public partial GuestVirtualAddress EnvStart { get; }

    [Field] public partial GuestVirtualAddress EnvEnd { get; }

    /// <summary>The auxiliary vector: pairs of type and value; a type of 0 ends it.</summary>
    [Field] public partial KernelArray<ulong> SavedAuxv { get; }

    /// <summary>MMF_*; the low two bits say whether the process may be dumped (include/linux/sched/coredump.h).</summary>
    [Field] public partial ulong Flags { get; }

    /// <summary>MEMBARRIER_STATE_* (include/linux/sched/mm.h).</summary>
    [Field("membarrier_state.counter", Optional = true)] public partial int? MembarrierState { get; }

    /// <summary>struct kioctx_table *: asynchronous I/O (io_setup); null where there never was any.</summary>
    [Field(Optional = true)] public partial GuestVirtualAddress? IoctxTable { get; }

    [Field] public partial Ptr<FileStruct> ExeFile { get; }

    /// <summary>struct ldt_struct *: modify_ldt(2).</summary>
    [Field("context.ldt", Optional = true)] public partial GuestVirtualAddress? Ldt { get; }

    [Field("context.vdso")] public partial GuestVirtualAddress Vdso { get; }

    [Field("context.vdso_image")] public partial Ptr<VdsoImage> VdsoImage { get; }

    /// <summary>Its page tables.</summary>
    public AddressSpace AddressSpace => Kernel.AddressSpaceAt(Pgd);

    /// <summary>Its areas, by rising address.</summary>
    public VmAreas Areas => new(this);
}

/// <summary>The code that the kernel maps into every process (arch/x86/include/asm/vdso.h).</summary>
[KernelStruct("vdso_image")]
public readonly partial record struct VdsoImage
{
    [Field] public partial GuestVirtualAddress Data { get; }

    [Field] public partial ulong Size { get; }
}
