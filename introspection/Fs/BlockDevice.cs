using Watari.Introspection.Mm;

namespace Watari.Introspection.Fs;

/// <summary>A block device (include/linux/blk_types.h). What is in its page cache, a file system on it has read, or has changed and not yet written.</summary>
[KernelStruct("block_device")]
public readonly partial record struct BlockDeviceStruct
{
    /// <summary>Since 53cd4cd3b1df, v6.10.</summary>
    [Field(Optional = true)] private partial Ptr<AddressSpaceStruct>? BdMapping { get; }

    [Field(Optional = true)] private partial Ptr<InodeStruct>? BdInode { get; }

    /// <summary>Its pages in memory.</summary>
    public AddressSpaceStruct Mapping => BdMapping is { } mapping ? mapping.Value
        : BdInode is { } inode ? inode.Value.IMapping.Value
        : throw new KernelTypeException("This kernel's block_device has neither bd_mapping nor bd_inode: what it has of a disk in memory cannot be read.");

    /// <summary>
    /// Reads what the kernel has in memory of a part of the device. Over what the device holds it is what the kernel sees, if it is taken
    /// first: a page that is written back and dropped between the two is then on the device.
    /// </summary>
    /// <param name="offset">In bytes.</param>
    /// <param name="destination">As long as the part; what is not in memory is left as it was.</param>
    /// <returns>Where in it something was in memory; ascending.</returns>
    /// <exception cref="KernelWalkException">Its pages lead astray.</exception>
    public IReadOnlyList<Range> ReadCached(ulong offset, Span<byte> destination)
    {
        AddressSpaceStruct mapping = Mapping;
        BufferState state = BufferState.Of(Kernel);
        List<Range> cached = [];
        for (int done = 0; done < destination.Length;)
        {
            ulong at = offset + (ulong)done, index = at >> GuestPage.Shift;
            int length = (int)Math.Min((ulong)(destination.Length - done), ((index + 1) << GuestPage.Shift) - at);
            if (mapping.IPages.TryLoad(index, out ulong first, out ulong raw) && (raw & 1) == 0)
                Copy(new GuestVirtualAddress(raw), at - (first << GuestPage.Shift), destination, done..(done + length), state, cached);
            done += length;
        }

        return cached;
    }

    /// <param name="folio">Its head page.</param>
    /// <param name="at">Where in it.</param>
    private void Copy(GuestVirtualAddress folio, ulong at, Span<byte> whole, Range part, BufferState state, List<Range> cached)
    {
        Span<byte> destination = whole[part];
        PageStruct page = PageStruct.At(Kernel, folio);
        ulong flags = page.Flags;
        ReadOnlySpan<byte> bytes = Kernel.Memory.Span(Kernel.Pages.FrameOf(folio).Address + at, destination.Length);
        // Of a page that was never read whole its buffers tell what of it is there; one was whole when it says so itself.
        if (state.IsUpToDate(flags) || !state.HasBuffers(flags))
        {
            if (!state.IsUpToDate(flags)) return;
            bytes.CopyTo(destination);
            cached.Add(part);
            return;
        }

        BufferHead first = BufferHead.At(Kernel, new GuestVirtualAddress(page.Private)), buffer = first;
        ulong start = 0;
        for (int left = Kernel.Limits.Entries; start < at + (ulong)destination.Length; buffer = buffer.BThisPage.Value)
        {
            Kernel.TakeSteps(1);
            ulong size = buffer.BSize, end = start + size;
            if (size is 0 or > 1UL << 30 || --left < 0) throw Kernel.Astray(buffer.Address, "buffer_head.b_size", $"is {size}");
            if (buffer.IsUpToDate && end > at)
            {
                int from = (int)(Math.Max(start, at) - at), to = (int)(Math.Min(end, at + (ulong)destination.Length) - at);
                bytes[from..to].CopyTo(destination[from..]);
                cached.Add((part.Start.Value + from)..(part.Start.Value + to));
            }

            start = end;
            if (buffer.BThisPage.Address == first.Address) break;
        }
    }

    /// <summary>Bits of a page's flags (include/linux/page-flags.h).</summary>
    private readonly record struct BufferState(int UpToDateBit, int PrivateBit)
    {
        internal static BufferState Of(GuestKernel kernel) => kernel.Types.TryFind("pageflags", out BtfTypeId flags)
            && kernel.Types.TryGetEnumerator(flags, "PG_uptodate", out long upToDate) && kernel.Types.TryGetEnumerator(flags, "PG_private", out long @private)
            ? new BufferState((int)upToDate, (int)@private)
            : throw new KernelTypeException("This kernel's pageflags are not known: what it has of a disk in memory cannot be read.");

        internal bool IsUpToDate(ulong flags) => (flags >> UpToDateBit & 1) != 0;

        internal bool HasBuffers(ulong flags) => (flags >> PrivateBit & 1) != 0;
    }
}

/// <summary>What is known of a block in a page (include/linux/buffer_head.h).</summary>
[KernelStruct("buffer_head")]
public readonly partial record struct BufferHead
{
    private const ulong UpToDateBit = 1; // BH_Uptodate

    [Field] public partial ulong BState { get; }

    /// <summary>The next of the page; the last one leads to the first.</summary>
    [Field] public partial Ptr<BufferHead> BThisPage { get; }

    /// <summary>In bytes.</summary>
    [Field] public partial ulong BSize { get; }

    /// <summary>Its bytes are what the kernel takes the block to hold.</summary>
    public bool IsUpToDate => (BState & UpToDateBit) != 0;
}
