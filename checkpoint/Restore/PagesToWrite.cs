using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Restore;

/// <summary>Consecutive pages of a process as they shall be.</summary>
/// <param name="start">Address of the first page.</param>
/// <param name="count">How many.</param>
/// <param name="contents">Their bytes, or nothing for pages of zeroes.</param>
public readonly ref struct PagesToWrite(GuestVirtualAddress start, PageCount count, ReadOnlySpan<byte> contents)
{
    public GuestVirtualAddress Start { get; } = start;

    public PageCount Count { get; } = count;

    public ReadOnlySpan<byte> Contents { get; } = contents;

    public bool IsZero => Contents.IsEmpty;
}

/// <summary>The pages of one process that shall be written, by address.</summary>
public interface IPagesToWrite
{
    /// <summary>Number of runs.</summary>
    int Runs { get; }

    PagesToWrite this[int run] { get; }

    /// <summary>
    /// What the guest's memory holds after pages were written, read back from there and handed over while the guest still stands:
    /// to be held against the source's hash. Not called for pages of zeroes.
    /// </summary>
    void ReadBack(GuestVirtualAddress start, ReadOnlySpan<byte> contents);
}
