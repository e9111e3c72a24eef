namespace Watari.Introspection;

/// <summary>
/// Bounds on every walk of guest memory. A guest owns every byte that is read, so a list may have no end and a length may be
/// absurd; a walk that reaches its bound ends with a <see cref="Kernel.KernelWalkException"/>. Bounds of one walk do not bound a
/// walk in each step of another: <see cref="LookSteps"/> and <see cref="LookBytes"/> are for all walks of one look together.
/// </summary>
public sealed record IntrospectionLimits
{
    public static IntrospectionLimits Default { get; } = new();

    /// <summary>Entries of one list, hash chain, tree or array.</summary>
    public int Entries { get; init; } = 1 << 20;

    /// <summary>Levels of one tree (maple tree, xarray), mounts on one another, nesting of cgroups, packets and types.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Names and mounts on the way from a file to its root: a path of PATH_MAX bytes has at most half as many names.</summary>
    public int PathNames { get; init; } = 4096;

    /// <summary>Bytes of one string, without its end.</summary>
    public int StringLength { get; init; } = 4096;

    /// <summary>Bytes of one file that is read whole: what a runtime keeps of a container.</summary>
    public int FileBytes { get; init; } = 4 << 20;

    /// <summary>Bytes that stand unread in one pipe or one socket.</summary>
    public int QueueBytes { get; init; } = 64 << 20;

    /// <summary>Page-table entries looked at in one walk of an address space, or slots in one of a file's pages: 2^28 are 1 TiB in small pages.</summary>
    public long PageTableEntries { get; init; } = 1L << 28;

    /// <summary>Bytes that are held of RAM that cannot be mapped. A list of a small guest's processes and containers takes 0.8 MiB.</summary>
    public long ShadowBytes { get; init; } = 1L << 30;

    /// <summary>
    /// Steps of all walks of one look (<see cref="Kernel.GuestKernel.BeginLook()"/>): nodes of lists and trees, slots, structures
    /// of arrays, names, pieces of page tables. A step takes some tens of nanoseconds: a hostile guest can hold a look up for seconds, not for ever.
    /// </summary>
    public long LookSteps { get; init; } = 1L << 25;

    /// <summary>Bytes that one look copies out of the guest to keep them: arrays, queues, paths.</summary>
    public long LookBytes { get; init; } = 256L << 20;

    /// <summary>How often a look at a running guest that tore is taken again, the first time included.</summary>
    public int Looks { get; init; } = 5;

    /// <summary>Objects of one capture, each of which is remembered: processes, threads, areas, files, what files hold, verdicts.</summary>
    public long CaptureObjects { get; init; } = 1 << 20;

    /// <summary>Runs of pages that one capture remembers.</summary>
    public long CaptureRuns { get; init; } = 1 << 22;

    /// <summary>VMCOREINFO notes that are tried: kernels that were there before leave theirs behind.</summary>
    public int Notes { get; init; } = 16;

    /// <summary>Symbols in kallsyms (Debian's 6.12 has 150,866).</summary>
    public int Symbols { get; init; } = 1 << 21;

    /// <summary>Bytes of the kernel's image that are searched for its symbols, where it does not say where they are (Debian's have 30 to 60 MB).</summary>
    public int ImageBytes { get; init; } = 128 << 20;

    /// <summary>Bytes of the compressed names in kallsyms (Debian's 6.12 has 2 MB).</summary>
    public int SymbolBytes { get; init; } = 64 << 20;

    /// <summary>Names of symbols or types that fall into one place of a hash, and of symbols that have the whole hash of another: a guest can choose them so that all do.</summary>
    public int Collisions { get; init; } = 256;

    /// <summary>Bytes of type information (Debian's 6.12 has 5 MB).</summary>
    public int TypeBytes { get; init; } = 64 << 20;

    /// <summary>Members of structures that are looked at to find one by its path.</summary>
    public int TypeMembers { get; init; } = 1 << 16;
}
