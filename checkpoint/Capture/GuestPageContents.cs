using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture;

/// <summary>
/// Contents of pages in the guest's RAM, in place. Right only for as long as nothing of the guest changes them: the tasks are
/// frozen and, for all that others may touch, the guest is paused.
/// </summary>
public sealed class GuestPageContents(GuestPhysicalMemory memory) : IPageContents
{
    /// <inheritdoc/>
    public ReadOnlySpan<byte> At(PageLocation location, int length)
    {
        var address = new GuestPhysicalAddress(location.Value);
        if (memory.TryGetSpan(address, length, out ReadOnlySpan<byte> span))
            return span;
        foreach (GuestMemorySegment segment in memory.Segments)
        {
            if (address >= segment.Start && address < segment.End)
                return memory.Span(address, (int)Math.Min((ulong)length, segment.End - address));
        }
        throw new PageContentsException(location, "The guest has no RAM there");
    }
}
