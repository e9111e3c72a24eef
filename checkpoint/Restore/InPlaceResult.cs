using Watari.Checkpoint.Pauses;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Restore;

/// <summary>What an <see cref="InPlaceWriter"/> wrote, and what it could not.</summary>
/// <param name="Written">Pages that hold now what they shall; those of zeroes, and those that held it already, among them.</param>
/// <param name="Missing">
/// Pages that are not there, or are not the process's alone (shared copy-on-write, the zero page, the page cache): to be touched in
/// the guest and written again.
/// </param>
/// <param name="Pauses">What it cost the guest.</param>
public sealed record InPlaceResult(PageCount Written, IReadOnlyList<GuestVirtualRange> Missing, PauseTotals Pauses);
