using Watari.Introspection.Fs;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Fs;

/// <summary>A file of five pages less a few bytes: its first page and its fourth are in memory, the third's entry is a number.</summary>
public sealed class FileContentsTests : IDisposable
{
    private const int Size = 5 * GuestPage.Size - 10;
    private const ulong Vmemmap = 0xffff_ea00_0000_0000, UpToDate = 1 << 3;
    private const ulong SwapEntry = 0x1235;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _inode, _name, _node;
    private readonly GuestPhysicalAddress _fourth;
    private readonly GuestPhysicalAddress _upToDate; // full of records of pages that are
    private readonly Dictionary<ulong, GuestPhysicalAddress> _records = [];

    public FileContentsTests()
    {
        BtfBuilder types = _builder.Types;
        int xarray = types.Struct("xarray", 16, BtfField.At(8, "xa_head", _builder.VoidPointer));
        types.Struct("xa_node", 576, BtfField.At(0, "shift", types.Int("unsigned char", 1)), BtfField.At(40, "slots", types.Array(_builder.VoidPointer, 64)));
        types.Struct("inode", 32, BtfField.At(0, "i_size", _builder.Long), BtfField.At(8, "i_sb", _builder.VoidPointer), BtfField.At(16, "i_mapping", _builder.VoidPointer));
        types.Struct("super_block", 8, BtfField.At(0, "s_type", _builder.VoidPointer));
        types.Struct("file_system_type", 8, BtfField.At(0, "name", _builder.VoidPointer));
        types.Struct("address_space", 16, BtfField.At(0, "i_pages", xarray));
        types.Enum("pageflags", ("PG_locked", 0), ("PG_uptodate", 3));

        _inode = _builder.Allocate(32);
        GuestVirtualAddress super = _builder.Allocate(16), type = _builder.Allocate(16), mapping = _builder.Allocate(16);
        _name = _builder.Allocate(32);
        _node = _builder.Allocate(576, 64);
        _builder.Put(_inode, (long)Size).Put(_inode + 8, super).Put(_inode + 16, mapping).Put(super, type).Put(type, _name).Put(mapping + 8, _node.Value | 2);
        Page(0, UpToDate, 1);
        Slot(2, SwapEntry);
        _fourth = Page(3, UpToDate, 4);
        _upToDate = _builder.Guest.TakePage();
        for (ulong record = 0; record < GuestPage.Size; record += 64) _builder.Guest.Put(_upToDate + record, UpToDate);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void Of_a_file_that_lives_in_memory_holes_are_zeroes_and_what_is_swapped_is_told()
    {
        (byte[] bytes, List<FileGap> gaps) = Read("tmpfs", 0, Size);

        Assert.Equal([1, 0, 0, 4, 0], FirstBytes(bytes));
        Assert.Equal([new FileGap(2 * GuestPage.Size, GuestPage.Size, FileGapReason.Swapped)], gaps);
    }

    [Fact]
    public void Of_a_file_on_a_disk_all_that_is_not_in_memory_is_told()
    {
        (byte[] bytes, List<FileGap> gaps) = Read("ext4", 0, Size);

        Assert.Equal([1, 0, 0, 4, 0], FirstBytes(bytes));
        Assert.Equal(
            [(1UL * GuestPage.Size, (ulong)GuestPage.Size), (2UL * GuestPage.Size, (ulong)GuestPage.Size), (4UL * GuestPage.Size, GuestPage.Size - 10UL)],
            gaps.Select(gap => (gap.Offset, gap.Length)));
        Assert.All(gaps, gap => Assert.Equal(FileGapReason.NotInMemory, gap.Reason));
    }

    [Theory]
    [InlineData("ext4", 1)]
    [InlineData("tmpfs", 0)]
    public void A_page_that_is_not_up_to_date_yet_has_nothing_of_the_file(string fileSystem, int gapsOfIt)
    {
        Page(3, 0, 4);

        (byte[] bytes, List<FileGap> gaps) = Read(fileSystem, 3 * GuestPage.Size, GuestPage.Size);

        Assert.Equal(0, bytes[0]);
        Assert.Equal(gapsOfIt, gaps.Count);
    }

    [Theory]
    [InlineData(3 * GuestPage.Size - 1, 3, new byte[] { 0, 4, 4 })]
    [InlineData(4 * GuestPage.Size - 1, 2, new byte[] { 4, 0 })]
    [InlineData(Size - 1, 10, new byte[] { 0 })]
    [InlineData(Size, 10, new byte[0])]
    [InlineData(int.MaxValue, 10, new byte[0])]
    public void A_piece_is_read_at_its_offset_and_not_beyond_the_end(int offset, int length, byte[] expected) =>
        Assert.Equal(expected, Read("tmpfs", (ulong)offset, length).Bytes);

    [Fact]
    public void The_whole_of_a_file_is_given_only_if_all_of_it_is_there()
    {
        InodeStruct swapped = Boot("tmpfs");
        Assert.Contains("swapped out: 4096 bytes from 8192 on", Assert.Throws<KernelWalkException>(() => swapped.ReadAll(Size)).Message, StringComparison.Ordinal);
        Assert.Contains("the limit is 100", Assert.Throws<KernelWalkException>(() => swapped.ReadAll(100)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_an_absurd_size_is_an_error()
    {
        _builder.Put(_inode, -1L);

        Assert.Throws<KernelWalkException>(() => Read("tmpfs", 0, 10));
    }

    [Fact]
    public void A_file_that_is_given_whole_costs_its_bytes_of_the_look()
    {
        Slot(2, 0);
        _builder.Put(_name, "tmpfs").Boot();
        InodeStruct OfLook(long bytes) => _builder.Attach(IntrospectionLimits.Default with { LookBytes = bytes }).BeginLook().At<InodeStruct>(_inode);

        Assert.Equal(Size, OfLook(Size).ReadAll(Size).Length);
        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => OfLook(Size - 1).ReadAll(Size)).Path);
    }

    [Fact]
    public void A_page_beyond_the_guests_RAM_is_an_error()
    {
        Slot(3, Vmemmap + (_builder.Guest.Memory.End.Frame.Value * 64));
        _builder.Tables.Map((Vmemmap + _builder.Guest.Memory.End.Frame.Value * 64) & ~GuestPage.OffsetMask, _upToDate.Value);

        Assert.Equal("address_space.i_pages", Assert.Throws<KernelWalkException>(() => Read("tmpfs", 0, Size)).Path);
    }

    [Fact]
    public void Pages_of_RAM_that_cannot_be_mapped_are_copied_and_not_held()
    {
        _builder.Put(_name, "tmpfs").Boot();
        var ram = new CountingRam(_builder.Guest.Memory);
        using var shadow = new RamShadow(ram, (long)_builder.Guest.Memory.End.Value);
        InodeStruct file = GuestKernel.Attach(new GuestPhysicalMemory(new GuestMemorySegment(default, shadow))).At<InodeStruct>(_inode);
        byte[] page = new byte[GuestPage.Size];

        file.Read(3 * GuestPage.Size, page, []);

        Assert.Equal(4, page[0]);
        Assert.Contains((_fourth.Value, GuestPage.Size), ram.Reads);
    }

    private static IEnumerable<byte> FirstBytes(byte[] bytes) => Enumerable.Range(0, 5).Select(page => bytes[page * GuestPage.Size]);

    private (byte[] Bytes, List<FileGap> Gaps) Read(string fileSystem, ulong offset, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)0xaa);
        List<FileGap> gaps = [];
        int read = Boot(fileSystem).Read(offset, bytes, gaps);
        return (bytes[..read], gaps);
    }

    private InodeStruct Boot(string fileSystem) => _builder.Put(_name, fileSystem).Boot().Attach().At<InodeStruct>(_inode);

    /// <summary>A page of the file, full of one byte, with its struct page.</summary>
    private GuestPhysicalAddress Page(int index, ulong flags, byte content)
    {
        GuestPhysicalAddress page = _builder.Guest.TakePage();
        _builder.Guest.Put(page, [.. Enumerable.Repeat(content, GuestPage.Size)]);
        ulong record = Vmemmap + page.Frame.Value * 64;
        if (!_records.TryGetValue(record & ~GuestPage.OffsetMask, out GuestPhysicalAddress records))
        {
            records = _records[record & ~GuestPage.OffsetMask] = _builder.Guest.TakePage();
            _builder.Tables.Map(record & ~GuestPage.OffsetMask, records.Value);
        }

        _builder.Guest.Put(records + (record & GuestPage.OffsetMask), flags);
        Slot(index, record);
        return page;
    }

    private void Slot(int index, ulong entry) => _builder.Put(_node + 40 + (ulong)index * 8, entry);

    /// <summary>RAM that cannot be mapped, and remembers what was read of it at once.</summary>
    private sealed class CountingRam(GuestPhysicalMemory memory) : IRemoteRam
    {
        public List<(ulong Offset, int Length)> Reads { get; } = [];

        public void Read(long offset, Span<byte> destination)
        {
            Reads.Add(((ulong)offset, destination.Length));
            memory.Copy(new GuestPhysicalAddress((ulong)offset), destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public void ReadWords(ReadOnlySpan<long> offsets, Span<ulong> words)
        {
            for (int i = 0; i < offsets.Length; i++) words[i] = memory.Read<ulong>(new GuestPhysicalAddress((ulong)offsets[i]));
        }

        public void QueryPages(long offset, Span<PageResidence> pages) => pages.Fill(PageResidence.Resident);
    }
}
