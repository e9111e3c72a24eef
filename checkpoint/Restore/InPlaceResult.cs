using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Restore;

/// <summary>What an <see cref="InPlaceWriter"/> wrote, and what it could not.</summary>
/// <param name="Written">Pages that hold now what they shall; those of zeroes, and those that held it already, among them.</param>
/// <param name="Missing">
/// Pages that are not there, or are not the process's alone (shared copy-on-write, the zero page, the page cache): to be touched in
/// the guest and written again.
/// </param>
/// <param name="Pauses">How often the guest stood still for it.</param>
/// <param name="Paused">How long in all.</param>
/// <param name="LongestPause">The longest of them.</param>
public sealed record InPlaceResult(PageCount Written, IReadOnlyList<GuestVirtualRange> Missing, int Pauses, TimeSpan Paused, TimeSpan LongestPause);
