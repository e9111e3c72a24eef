using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>An address space (struct mm_struct).</summary>
public sealed record MemoryLayout
{
    public required ulong StartCode { get; init; }
    public required ulong EndCode { get; init; }
    public required ulong StartData { get; init; }
    public required ulong EndData { get; init; }
    public required ulong StartStack { get; init; }
    public required ulong StartBrk { get; init; }
    public required ulong Brk { get; init; }
    public required ulong ArgStart { get; init; }
    public required ulong ArgEnd { get; init; }
    public required ulong EnvStart { get; init; }
    public required ulong EnvEnd { get; init; }
    public required FileId Executable { get; init; }

    /// <summary>Pairs of type and value (elf.h, AT_…), without the closing AT_NULL.</summary>
    public required ImmutableArray<AuxiliaryValue> AuxiliaryVector { get; init; }

    /// <summary>PR_SET_DUMPABLE.</summary>
    public int Dumpable { get; init; } = 1;

    /// <summary>PR_SET_THP_DISABLE.</summary>
    public bool ThpDisabled { get; init; }

    /// <summary>By address, none overlaps.</summary>
    public required ImmutableArray<VmArea> Areas { get; init; }

    /// <summary>The process's own pages by address: private memory that differs from its file, and the vdso.</summary>
    public required ImmutableArray<PageRun> Pages { get; init; }

    /// <summary>The area that an address lies in; null where none does.</summary>
    public VmArea? AreaAt(ulong address)
    {
        int low = 0;
        int high = Areas.Length;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (Areas[middle].End <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low < Areas.Length && Areas[low].Start <= address ? Areas[low] : null;
    }
}

/// <summary>One entry of the auxiliary vector.</summary>
public readonly record struct AuxiliaryValue(ulong Type, ulong Value);

/// <summary>What stands behind an area of memory.</summary>
public enum VmAreaKind
{
    PrivateAnonymous,
    SharedAnonymous,
    PrivateFile,
    SharedFile,
    Vdso,
    Vvar,
}

/// <summary>PROT_… (asm-generic/mman-common.h).</summary>
[Flags]
public enum Protections
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
}

/// <summary>Properties of an area besides what it shows.</summary>
[Flags]
public enum VmAreaTraits
{
    None = 0,

    /// <summary>It meets [start_brk, brk).</summary>
    Heap = 1,

    /// <summary>VM_GROWSDOWN: a stack.</summary>
    GrowsDown = 1 << 1,

    /// <summary>VM_NORESERVE.</summary>
    NoReserve = 1 << 2,

    /// <summary>VM_LOCKED.</summary>
    Locked = 1 << 3,

    /// <summary>The file behind it is a memfd.</summary>
    Memfd = 1 << 4,
}

/// <summary>madvise(2) that stays with an area; the bit is the number of the advice.</summary>
[Flags]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1028", Justification = "The width of CRIU's and the kernel's madvise mask.")]
public enum MemoryAdvice : ulong
{
    None = 0,
    Sequential = 1 << 2,
    RandomAccess = 1 << 1,
    DontFork = 1 << 10,
    Mergeable = 1 << 12,
    HugePage = 1 << 14,
    NoHugePage = 1 << 15,
    DontDump = 1 << 16,
    WipeOnFork = 1 << 18,
}

/// <summary>An area of an address space (struct vm_area_struct).</summary>
public sealed record VmArea
{
    public required ulong Start { get; init; }

    /// <summary>One past the last byte.</summary>
    public required ulong End { get; init; }
    public required VmAreaKind Kind { get; init; }
    public required Protections Protection { get; init; }
    public VmAreaTraits Traits { get; init; }
    public MemoryAdvice Advice { get; init; }

    /// <summary>Offset in the file or in the shared memory, in bytes.</summary>
    public ulong Offset { get; init; }

    /// <summary>The file of the two kinds of file mapping.</summary>
    public FileId? File { get; init; }

    /// <summary>How that file was open when it was mapped (O_ACCMODE).</summary>
    public uint FileFlags { get; init; }

    /// <summary>The segment behind <see cref="VmAreaKind.SharedAnonymous"/>.</summary>
    public SharedMemoryId? SharedMemory { get; init; }
}

/// <summary>Memory that several areas or memfds show; its pages by offset.</summary>
public sealed record SharedMemory(SharedMemoryId Id, ImmutableArray<PageRun> Pages);

/// <summary>memfd_create(2): the inode behind its descriptors.</summary>
public sealed record MemfdInode
{
    public required MemfdInodeId Id { get; init; }

    /// <summary>Without the "memfd:" that the kernel puts before it.</summary>
    public required string Name { get; init; }
    public uint Uid { get; init; }
    public uint Gid { get; init; }
    public required ulong Size { get; init; }

    /// <summary>F_SEAL_… (linux/fcntl.h).</summary>
    public uint Seals { get; init; }
    public uint Mode { get; init; }
    public required SharedMemoryId Memory { get; init; }
}
