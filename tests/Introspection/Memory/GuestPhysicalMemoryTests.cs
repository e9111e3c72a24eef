using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Memory;

public sealed class GuestPhysicalMemoryTests : IDisposable
{
    private static readonly GuestPhysicalAddress s_fourGiB = new(4UL << 30);

    private readonly GuestMemoryBuilder _guest = new GuestMemoryBuilder(1 << 20).AddSegment(s_fourGiB, 1 << 16);

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void What_was_written_is_read_at_the_same_physical_address_below_and_above_the_hole()
    {
        _guest.Put(new GuestPhysicalAddress(0x1238), 0x1122334455667788UL).Put(s_fourGiB + 8, 42);

        Assert.Equal(0x1122334455667788UL, _guest.Memory.Read<ulong>(new GuestPhysicalAddress(0x1238)));
        Assert.Equal(42, _guest.Memory.Read<int>(s_fourGiB + 8));
        Assert.Equal(0x88, _guest.Memory.Span(new GuestPhysicalAddress(0x1238), 8)[0]);
    }

    [Theory]
    [InlineData(1UL << 20, 1)]           // just after the first segment
    [InlineData((1UL << 20) - 4, 8)]     // half in it
    [InlineData(0xb000_0000UL, 4)]       // in the PCI hole
    [InlineData((4UL << 30) - 1, 2)]     // into the second segment from below
    [InlineData((4UL << 30) + (1 << 16), 1)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(ulong.MaxValue - 3, 8)]  // wraps around
    public void A_read_outside_ram_is_an_error_that_says_where(ulong address, int length)
    {
        GuestMemoryException error = Assert.Throws<GuestMemoryException>(() => _guest.Memory.Span(new GuestPhysicalAddress(address), length).Length);

        Assert.Equal(address, error.Address.Value);
        Assert.Equal(length, error.Length);
        Assert.False(_guest.Memory.TryGetSpan(new GuestPhysicalAddress(address), length, out _));
        Assert.Throws<GuestMemoryException>(() => _guest.Writer.Write(new GuestPhysicalAddress(address), new byte[length]));
        Assert.Throws<GuestMemoryException>(() => _guest.Writer.Clear(new GuestPhysicalAddress(address), length));
        Assert.Throws<GuestMemoryException>(() => _guest.Memory.Copy(new GuestPhysicalAddress(address), new byte[length]));
    }

    [Fact]
    public void The_last_bytes_of_a_segment_can_be_read()
    {
        _guest.Put(new GuestPhysicalAddress((1 << 20) - 8), 7L);

        Assert.Equal(7L, _guest.Memory.Read<long>(new GuestPhysicalAddress((1 << 20) - 8)));
    }

    [Fact]
    public void Much_is_copied_past_the_mapping_and_compared_there_and_little_is_taken_in_place()
    {
        var copied = new Copies();
        var memory = new GuestPhysicalMemory(_guest.Memory.Segments.ToArray().Select(segment => segment with { Copied = copied }));
        byte[] little = new byte[4096], much = new byte[600 << 10];

        memory.Copy(new GuestPhysicalAddress(0x1000), little);
        memory.Copy(new GuestPhysicalAddress(0x2000), much);

        Assert.All(little, value => Assert.Equal(0, value));
        Assert.Equal(-1, much.AsSpan().IndexOfAnyExcept((byte)7));
        Assert.Equal([(0x2000L, much.Length)], copied.Asked);
        var reader = new BulkReader(memory);
        Assert.True(reader.Equal(new GuestPhysicalAddress(0x2000), much));
        much[^1] = 8;
        Assert.False(reader.Equal(new GuestPhysicalAddress(0x2000), much));
        Assert.False(reader.Equal(new GuestPhysicalAddress((1 << 20) - 4096), much));
    }

    [Fact]
    public void Segments_that_overlap_are_refused()
    {
        Assert.Throws<ArgumentException>(() => new GuestPhysicalMemory(
            new GuestMemorySegment(new GuestPhysicalAddress(0), 4096, 8192),
            new GuestMemorySegment(new GuestPhysicalAddress(4096), 4096, 8192)));
    }

    /// <summary>Sevens, wherever it is asked.</summary>
    private sealed class Copies : ICopiedRam
    {
        public List<(long Offset, int Length)> Asked { get; } = [];

        public void Read(long offset, Span<byte> destination)
        {
            Asked.Add((offset, destination.Length));
            destination.Fill(7);
        }
    }
}
