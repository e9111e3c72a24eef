namespace Watari.Introspection.Mm;

/// <summary>Bits of vm_area_struct.vm_flags (VM_* in include/linux/mm.h) that have kept their places.</summary>
[Flags]
public enum VmFlags : ulong
{
    None = 0,
    Read = 0x1,
    Write = 0x2,
    Exec = 0x4,
    Shared = 0x8,
    MayRead = 0x10,
    MayWrite = 0x20,
    MayExec = 0x40,
    MayShare = 0x80,
    GrowsDown = 0x100,
    UffdMissing = 0x200,
    PfnMap = 0x400,
    UffdWriteProtect = 0x1000,
    Locked = 0x2000,
    Io = 0x4000,
    SequentialRead = 0x8000,
    RandomRead = 0x1_0000,
    DontCopy = 0x2_0000,
    DontExpand = 0x4_0000,
    LockOnFault = 0x8_0000,
    Account = 0x10_0000,
    NoReserve = 0x20_0000,
    HugeTlb = 0x40_0000,
    Synchronous = 0x80_0000,
    WipeOnFork = 0x200_0000,
    DontDump = 0x400_0000,

    /// <summary>The area is new since soft-dirty tracking was armed, so all of it counts as dirty.</summary>
    SoftDirty = 0x800_0000,
    MixedMap = 0x1000_0000,
    HugePage = 0x2000_0000,
    NoHugePage = 0x4000_0000,
    Mergeable = 0x8000_0000,

    /// <summary>The protection key that pkey_mprotect gave it.</summary>
    ProtectionKey = 0xf_0000_0000,
    ShadowStack = 0x20_0000_0000,
}
