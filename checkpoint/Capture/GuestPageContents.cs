using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture;

/// <summary>
/// Contents of pages in the guest's RAM, in place where it is mapped. Right only for as long as nothing of the guest changes them: the tasks are
/// frozen and, for all that others may touch, the guest is paused.
/// </summary>
public sealed class GuestPageContents(GuestPhysicalMemory memory) : IPageContents
{
    private const int MostCopied = 1 << 20;

    private readonly BulkReader _reader = new(memory);

    /// <inheritdoc/>
    public ReadOnlySpan<byte> At(PageLocation location, int length)
    {
        var address = new GuestPhysicalAddress(location.Value);
        foreach (GuestMemorySegment segment in _reader.Memory.Segments)
        {
            if (address < segment.Start || address >= segment.End) continue;
            int there = (int)Math.Min((ulong)length, segment.End - address);
            return _reader.Read(address, segment.Shadow is null ? there : Math.Min(there, MostCopied));
        }
        throw new PageContentsException(location, "The guest has no RAM there");
    }
}
