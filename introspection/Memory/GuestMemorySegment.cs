namespace Watari.Introspection.Memory;

/// <summary>
/// A stretch of guest RAM that this process has mapped: <paramref name="Length"/> bytes of guest-physical memory from
/// <paramref name="Start"/> on lie at <paramref name="Pointer"/>. Whoever mapped it owns it and keeps it mapped for as long
/// as anything reads through it.
/// </summary>
public readonly record struct GuestMemorySegment(GuestPhysicalAddress Start, nint Pointer, long Length)
{
    public GuestPhysicalAddress End => Start + (ulong)Length;
}
