namespace Watari.Introspection.Memory;

/// <summary>
/// A stretch of guest RAM that can be copied past any mapping of it. Implemented by whoever knows how to reach it; called by many threads at once.
/// Offsets are bytes from its start, and what is asked for lies within it.
/// </summary>
public interface ICopiedRam
{
    /// <exception cref="GuestRamLostException">It cannot be reached any more.</exception>
    void Read(long offset, Span<byte> destination);
}
