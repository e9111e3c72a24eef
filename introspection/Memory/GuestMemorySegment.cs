namespace Watari.Introspection.Memory;

/// <summary>
/// A stretch of guest RAM that this process has mapped: <paramref name="Length"/> bytes of guest-physical memory from
/// <paramref name="Start"/> on lie at <paramref name="Pointer"/>. Whoever mapped it owns it and keeps it mapped for as long
/// as anything reads through it.
/// </summary>
public readonly record struct GuestMemorySegment(GuestPhysicalAddress Start, nint Pointer, long Length)
{
    /// <summary>A stretch that cannot be mapped, as its shadow shows it. Who reads it and who writes it must be given the same shadow.</summary>
    public GuestMemorySegment(GuestPhysicalAddress start, RamShadow shadow) : this(start, shadow.Pointer, shadow.Length) => (Shadow, Copied) = (shadow, shadow.Ram);

    public GuestPhysicalAddress End => Start + (ulong)Length;

    /// <summary>Null where RAM itself is mapped.</summary>
    public RamShadow? Shadow { get; }

    /// <summary>The same RAM for whoever wants much of it once; null where it is only to be had in place.</summary>
    public ICopiedRam? Copied { get; init; }
}
