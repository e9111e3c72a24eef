using Watari.Hypervisor;
using Watari.Introspection.Memory;

namespace Watari.Silo.Engine.Vms;

/// <summary>
/// QEMU's RAM regions as introspection's physical memory: the one place where the two meet. Valid for as long as the RAM is; to be disposed before
/// it, when nobody reads any more.
/// </summary>
internal sealed class RamSegments : IDisposable
{
    private readonly List<GuestMemorySegment> _segments = [];

    /// <exception cref="GuestRamLostException">This process gets no address space for RAM that cannot be mapped.</exception>
    public RamSegments(GuestRam ram)
    {
        try
        {
            foreach (RamRegion region in ram.Regions) _segments.Add(SegmentOf(region));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>For whoever reads the guest's memory and whoever writes it, the same for both.</summary>
    public IReadOnlyList<GuestMemorySegment> Segments => _segments;

    public void Dispose() => _segments.ForEach(static segment => segment.Shadow?.Dispose());

    private static unsafe GuestMemorySegment SegmentOf(RamRegion region)
    {
        var start = new Introspection.Memory.GuestPhysicalAddress(region.Start.Value);
        return region.Access == RamAccess.ProcessMemory
            ? new GuestMemorySegment(start, new RamShadow(new RegionInQemu(region), region.Length))
            : new GuestMemorySegment(start, (nint)region.Pointer, region.Length) { Copied = new CopiedRegion(region) };
    }

    private static GuestRamLostException Lost(HypervisorException e) => new(e.Message, e);

    private class CopiedRegion(RamRegion region) : ICopiedRam
    {
        protected RamRegion Region => region;

        public void Read(long offset, Span<byte> destination)
        {
            try
            {
                region.Read(region.Start + offset, destination);
            }
            catch (HypervisorException e)
            {
                throw Lost(e);
            }
        }
    }

    /// <summary>A region that QEMU keeps to itself.</summary>
    private sealed class RegionInQemu(RamRegion region) : CopiedRegion(region), IRemoteRam
    {
        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            try
            {
                Region.Write(Region.Start + offset, source);
            }
            catch (HypervisorException e)
            {
                throw Lost(e);
            }
        }

        public void ReadWords(ReadOnlySpan<long> offsets, Span<ulong> words)
        {
            Span<Hypervisor.GuestPhysicalAddress> addresses = stackalloc Hypervisor.GuestPhysicalAddress[256];
            try
            {
                for (int done = 0; done < offsets.Length;)
                {
                    int count = Math.Min(offsets.Length - done, addresses.Length);
                    for (int i = 0; i < count; i++) addresses[i] = Region.Start + offsets[done + i];
                    Region.ReadWords(addresses[..count], words.Slice(done, count));
                    done += count;
                }
            }
            catch (HypervisorException e)
            {
                throw Lost(e);
            }
        }

        public void QueryPages(long offset, Span<PageResidence> pages)
        {
            Span<PagePlace> places = stackalloc PagePlace[1024];
            try
            {
                for (int done = 0; done < pages.Length;)
                {
                    int count = Math.Min(pages.Length - done, places.Length);
                    Region.QueryPages(Region.Start + offset + ((long)done * GuestPage.Size), places[..count]);
                    for (int i = 0; i < count; i++)
                    {
                        pages[done + i] = places[i] switch
                        {
                            PagePlace.Nowhere => PageResidence.Nowhere,
                            PagePlace.Elsewhere => PageResidence.Elsewhere,
                            _ => PageResidence.Resident,
                        };
                    }

                    done += count;
                }
            }
            catch (HypervisorException e)
            {
                throw Lost(e);
            }
        }
    }
}
