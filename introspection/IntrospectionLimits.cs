namespace Watari.Introspection;

/// <summary>
/// Bounds on every walk of guest memory. A guest owns every byte that is read, so a list may have no end and a length may be
/// absurd; a walk that reaches its bound ends with a <see cref="Kernel.KernelWalkException"/>.
/// </summary>
public sealed record IntrospectionLimits
{
    public static IntrospectionLimits Default { get; } = new();

    /// <summary>Entries of one list, hash chain, tree or array.</summary>
    public int Entries { get; init; } = 1 << 20;

    /// <summary>Levels of one tree (maple tree, xarray), components of one path, nesting of one type.</summary>
    public int Depth { get; init; } = 64;

    /// <summary>Bytes of one string, without its end.</summary>
    public int StringLength { get; init; } = 4096;

    /// <summary>Bytes that stand unread in one pipe or one socket.</summary>
    public int QueueBytes { get; init; } = 64 << 20;

    /// <summary>Page-table entries looked at in one walk of an address space, or slots in one of a file's pages: 2^28 are 1 TiB in small pages.</summary>
    public long PageTableEntries { get; init; } = 1L << 28;

    /// <summary>Notes that are tried in the search for the kernel: a reboot leaves an old one behind, a liar any number.</summary>
    public int KernelNotes { get; init; } = 16;

    /// <summary>Bytes that are held of RAM that cannot be mapped. A list of a small guest's processes and containers takes 0.8 MiB.</summary>
    public long ShadowBytes { get; init; } = 1L << 30;

    /// <summary>Symbols in kallsyms (Debian's 6.12 has 150,866).</summary>
    public int Symbols { get; init; } = 1 << 21;

    /// <summary>Bytes of the kernel's image that are searched for its symbols, where it does not say where they are (Debian's have 30 to 60 MB).</summary>
    public int ImageBytes { get; init; } = 128 << 20;

    /// <summary>Bytes of type information (Debian's 6.12 has 5 MB).</summary>
    public int TypeBytes { get; init; } = 64 << 20;
}
