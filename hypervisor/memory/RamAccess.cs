namespace Watari.Hypervisor;

/// <summary>How a guest's RAM is reached, the fastest way first.</summary>
public enum RamAccess
{
    /// <summary>Mapped, through the memfd that QEMU shares.</summary>
    Memfd,

    /// <summary>Mapped, through the file that QEMU shares: one of tmpfs, hugetlbfs or another file system, or memory that is shared and has no name.</summary>
    SharedFile,

    /// <summary>Copied out of the memory of QEMU's process, whose own it is.</summary>
    ProcessMemory,
}

/// <summary>Where a page of RAM is that is in QEMU's memory.</summary>
public enum PagePlace : byte
{
    /// <summary>Nobody ever touched it: it reads as zero.</summary>
    Nowhere,

    /// <summary>In swap, or in a file that nobody touched it in; it has a place in memory once it is read.</summary>
    Elsewhere,

    /// <summary>In the host's memory.</summary>
    Resident,
}
