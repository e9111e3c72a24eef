using Watari.Introspection.Fs;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Fs;

/// <summary>A device of which the kernel has a whole page, one of which it has two of four blocks, and one that it is reading; on the device all is 9.</summary>
public sealed class BlockDeviceTests : IDisposable
{
    private const ulong Vmemmap = 0xffff_ea00_0000_0000, UpToDate = 1 << 3, Private = 1 << 5;
    private const byte OnDevice = 9;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _device, _node;
    private readonly Dictionary<ulong, GuestPhysicalAddress> _records = [];

    public BlockDeviceTests()
    {
        BtfBuilder types = _builder.Types;
        int xarray = types.Struct("xarray", 16, BtfField.At(8, "xa_head", _builder.VoidPointer));
        types.Struct("xa_node", 576, BtfField.At(0, "shift", types.Int("unsigned char", 1)), BtfField.At(40, "slots", types.Array(_builder.VoidPointer, 64)));
        types.Struct("address_space", 16, BtfField.At(0, "i_pages", xarray));
        types.Struct("block_device", 8, BtfField.At(0, "bd_mapping", _builder.VoidPointer));
        types.Struct("buffer_head", 24, BtfField.At(0, "b_state", _builder.Ulong), BtfField.At(8, "b_this_page", _builder.VoidPointer), BtfField.At(16, "b_size", _builder.Ulong));
        types.Enum("pageflags", ("PG_locked", 0), ("PG_uptodate", 3), ("PG_private", 5));

        _device = _builder.Allocate(16);
        GuestVirtualAddress mapping = _builder.Allocate(16);
        _node = _builder.Allocate(576, 64);
        _builder.Put(_device, mapping).Put(mapping + 8, _node.Value | 2);
        Page(1, UpToDate | Private, 1, default);
        Page(2, Private, 2, Buffers(1, 0, 1, 0));
        Page(3, 0, 3, default);
        _builder.Put(_node + 40 + (4 * 8), 0x1235UL);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void What_is_in_memory_lies_over_what_is_on_the_device()
    {
        byte[] bytes = Overlaid(0, 6 * GuestPage.Size);

        Assert.Equal([9, 1, 2, 9, 9, 9], Enumerable.Range(0, 6).Select(page => bytes[page * GuestPage.Size]));
        Assert.Equal([2, 9, 2, 9], Enumerable.Range(0, 4).Select(block => bytes[(2 * GuestPage.Size) + (block * 1024)]));
    }

    [Theory]
    [InlineData((2 * GuestPage.Size) - 1, 3, new byte[] { 1, 2, 2 })]
    [InlineData((2 * GuestPage.Size) + 1023, 2, new byte[] { 2, 9 })]
    [InlineData((2 * GuestPage.Size) + 2047, 3, new byte[] { 9, 2, 2 })]
    [InlineData((3 * GuestPage.Size) - 1, 2, new byte[] { 9, 9 })]
    [InlineData(1 << 30, 2, new byte[] { 9, 9 })]
    public void A_piece_is_laid_over_where_it_belongs(int offset, int length, byte[] expected) => Assert.Equal(expected, Overlaid((ulong)offset, length));

    [Fact]
    public void Buffers_that_lead_nowhere_are_an_error()
    {
        GuestVirtualAddress buffer = Buffers(1);
        _builder.Put(buffer + 16, 0UL);
        Page(2, Private, 2, buffer);
        Assert.Throws<KernelWalkException>(() => Overlaid(2 * GuestPage.Size, 10));

        Page(2, Private, 2, new GuestVirtualAddress(0xffff_f000_0000_0000));
        Assert.ThrowsAny<IntrospectionException>(() => Overlaid(2 * GuestPage.Size, 10));
    }

    private byte[] Overlaid(ulong offset, int length)
    {
        byte[] cached = new byte[length], bytes = new byte[length];
        Array.Fill(bytes, OnDevice);
        foreach (Range part in _builder.Boot().Attach().At<BlockDeviceStruct>(_device).ReadCached(offset, cached)) cached[part].CopyTo(bytes.AsSpan(part));
        return bytes;
    }

    private GuestVirtualAddress Buffers(params ulong[] states)
    {
        GuestVirtualAddress[] buffers = [.. states.Select(_ => _builder.Allocate(24))];
        for (int i = 0; i < states.Length; i++) _builder.Put(buffers[i], states[i]).Put(buffers[i] + 8, buffers[(i + 1) % buffers.Length]).Put(buffers[i] + 16, 1024UL);
        return buffers[0];
    }

    /// <summary>A page of the device, full of one byte, with its struct page.</summary>
    private void Page(int index, ulong flags, byte content, GuestVirtualAddress buffers)
    {
        GuestPhysicalAddress page = _builder.Guest.TakePage();
        _builder.Guest.Put(page, [.. Enumerable.Repeat(content, GuestPage.Size)]);
        ulong record = Vmemmap + page.Frame.Value * 64;
        if (!_records.TryGetValue(record & ~GuestPage.OffsetMask, out GuestPhysicalAddress records))
        {
            records = _records[record & ~GuestPage.OffsetMask] = _builder.Guest.TakePage();
            _builder.Tables.Map(record & ~GuestPage.OffsetMask, records.Value);
        }

        GuestPhysicalAddress at = records + (record & GuestPage.OffsetMask);
        _builder.Guest.Put(at, flags);
        _builder.Guest.Put(at + 40, buffers.Value);
        _builder.Put(_node + 40 + ((ulong)index * 8), record);
    }
}
