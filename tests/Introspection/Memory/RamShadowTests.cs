using System.Globalization;
using Watari.Introspection.Symbols;

namespace Watari.Introspection.Tests.Memory;

/// <summary>By itself: it measures what the whole process has in memory.</summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class Alone;

[Collection(typeof(Alone))]
public sealed class RamShadowTests : IDisposable
{
    private const int Length = (1 << 20) + 4096; // its last piece is not whole

    private static readonly GuestPhysicalAddress s_start = new(4UL << 30);

    private readonly FarRam _ram = new(Length);
    private readonly RamShadow _shadow;
    private readonly GuestPhysicalMemory _memory;
    private readonly GuestMemoryWriter _writer;

    public RamShadowTests()
    {
        _shadow = new RamShadow(_ram, Length);
        var segment = new GuestMemorySegment(s_start, _shadow);
        _memory = new GuestPhysicalMemory(segment);
        _writer = new GuestMemoryWriter(segment);
    }

    public void Dispose() => _shadow.Dispose();

    [Fact]
    public void Values_and_spans_are_those_of_the_RAM_to_its_last_byte()
    {
        _ram.Put(0x1238, 0x1122334455667788UL);
        _ram.Put(Length - 8, 7UL);

        Assert.Equal(0x1122334455667788UL, _memory.Read<ulong>(s_start + 0x1238));
        Assert.Equal(7UL, _memory.Read<ulong>(s_start + (Length - 8)));
        Assert.True(_memory.Span(s_start, Length).SequenceEqual(_ram.Bytes));
        Assert.False(_memory.IsMapped);
    }

    [Theory]
    [InlineData(Length, 1)]
    [InlineData(Length - 4, 8)]
    [InlineData(-1, 2)]
    [InlineData(Length - 4096, 8192)]
    public void What_is_not_in_it_is_an_error_however_it_is_asked_for(long offset, int length)
    {
        GuestPhysicalAddress address = new(s_start.Value + (ulong)offset);

        Assert.Throws<GuestMemoryException>(() => _memory.Span(address, length).Length);
        Assert.Throws<GuestMemoryException>(() => _memory.Copy(address, new byte[length]));
        Assert.Throws<GuestMemoryException>(() => _writer.Write(address, new byte[length]));
        Assert.Throws<GuestMemoryException>(() => _writer.Clear(address, length));
        Assert.False(_memory.TryGetSpan(address, length, out _));
        Assert.False(_memory.TryCopy(address, new byte[length]));
        Assert.Equal(0, _ram.Reads + _ram.Writes);
    }

    [Fact]
    public void In_one_look_a_value_is_read_once_and_in_the_next_anew()
    {
        _ram.Put(0x5000, 1);
        Assert.Equal(1, _memory.Read<int>(s_start + 0x5000));

        _ram.Put(0x5000, 2);
        Assert.Equal(1, _memory.Read<int>(s_start + 0x5000));
        Assert.Equal(1, _ram.Reads);

        _memory.Refresh();
        Assert.Equal(2, _memory.Read<int>(s_start + 0x5000));
    }

    [Fact]
    public void A_span_from_an_earlier_look_shows_fresher_bytes_and_never_others()
    {
        _ram.Put(0x5000, 1);
        ReadOnlySpan<byte> held = _memory.Span(s_start + 0x5000, 4);

        _ram.Put(0x5000, 2);
        _memory.Refresh();
        Assert.Equal(1, held[0]);
        _memory.Read<byte>(s_start + 0x5003);

        Assert.Equal(2, held[0]);
    }

    [Fact]
    public void What_is_written_is_in_the_RAM_and_in_what_was_read_of_it()
    {
        ReadOnlySpan<byte> across = _memory.Span(s_start + (RamShadow.PieceBytes - 4), 8);
        _writer.Write(s_start + (RamShadow.PieceBytes - 4), 0x0807060504030201UL);
        _writer.Write(s_start + 0x80000, 9); // nobody has read there

        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8], across.ToArray());
        Assert.Equal(across.ToArray(), _ram.Bytes.AsSpan(RamShadow.PieceBytes - 4, 8).ToArray());
        Assert.Equal(9, _memory.Read<int>(s_start + 0x80000));
    }

    [Fact]
    public void Clearing_more_than_a_buffer_clears_all_of_it_and_nothing_else()
    {
        _ram.Bytes.AsSpan().Fill(0xee);
        ReadOnlySpan<byte> held = _memory.Span(s_start, Length);

        _writer.Clear(s_start + 4096, 300 << 10);

        Assert.True(held.SequenceEqual(_ram.Bytes));
        Assert.Equal(4096, _ram.Bytes.AsSpan().IndexOf((byte)0));
        Assert.Equal(300 << 10, Length - _ram.Bytes.Count(value => value == 0xee));
    }

    [Fact]
    public void Much_is_copied_past_it_and_little_through_it()
    {
        _ram.Bytes.AsSpan(0x10000, 8192).Fill(3);
        byte[] page = new byte[4096];
        byte[] word = new byte[8];

        _memory.Copy(s_start + 0x10000, page);
        ReadOnlySpan<byte> two = new BulkReader(_memory).Read(s_start + 0x10000, 8192);
        Assert.True(!page.AsSpan().ContainsAnyExcept((byte)3) && !two.ContainsAnyExcept((byte)3));
        Assert.Equal(0, _shadow.Held);

        _memory.Copy(s_start + 0x10008, word);
        Assert.Equal(3, word[7]);
        Assert.Equal(RamShadow.PieceBytes, _shadow.Held);
    }

    [Fact]
    public void Memory_is_given_back_when_nobody_reads_and_only_where_it_is_much()
    {
        const int much = 80 << 20;
        var ram = new FarRam(much);
        ram.Bytes.AsSpan().Fill(1); // some kernels count a page that was only read, too
        using var shadow = new RamShadow(ram, much);
        var memory = new GuestPhysicalMemory(new GuestMemorySegment(s_start, shadow));
        long before = Resident();
        memory.Read<int>(s_start);
        memory.GiveBack();
        Assert.Equal(RamShadow.PieceBytes, shadow.Held);

        for (ulong offset = 0; offset < much; offset += 4096) memory.Read<int>(s_start + offset);
        Assert.Equal(much, shadow.Held);
        memory.Refresh();
        for (ulong offset = 0; offset < much; offset += 4096) memory.Read<int>(s_start + offset);
        Assert.Equal(much, shadow.Held);
        Assert.True(Resident() - before > much / 2);

        memory.GiveBack();
        Assert.Equal(0, shadow.Held);
        Assert.True(Resident() - before < much / 2, "the host has not got it back");
        ram.Put(0x7000, 5);
        Assert.Equal(5, memory.Read<int>(s_start + 0x7000));
    }

    [Fact]
    public void A_guest_that_leads_all_over_its_memory_meets_a_bound()
    {
        using var shadow = new RamShadow(_ram, Length, new IntrospectionLimits { ShadowBytes = 4 * RamShadow.PieceBytes });
        var memory = new GuestPhysicalMemory(new GuestMemorySegment(s_start, shadow));
        for (ulong piece = 0; piece < 4; piece++) memory.Read<int>(s_start + (piece * 3 * RamShadow.PieceBytes));

        Assert.Throws<KernelWalkException>(() => memory.Read<int>(s_start + RamShadow.PieceBytes));
        Assert.Equal(4 * RamShadow.PieceBytes, shadow.Held);
        memory.Read<int>(s_start); // what is held can be read on
    }

    [Fact]
    public void RAM_that_is_gone_is_an_error_of_its_own_and_what_was_seen_in_this_look_stays()
    {
        _ram.Put(0x5000, 1);
        Assert.Equal(1, _memory.Read<int>(s_start + 0x5000));
        _ram.IsGone = true;

        Assert.Equal(1, _memory.Read<int>(s_start + 0x5000));
        Assert.Throws<GuestRamLostException>(() => _memory.Read<int>(s_start + 0x80000));
        Assert.Throws<GuestRamLostException>(() => _memory.Copy(s_start, new byte[8192]));
        Assert.Throws<GuestRamLostException>(() => _writer.Write(s_start + 0x5000, 2));
        // Whether that was written nobody knows: it is not taken from here any more.
        Assert.Throws<GuestRamLostException>(() => _memory.Read<int>(s_start + 0x5000));
    }

    [Fact]
    public async Task Threads_that_look_and_begin_looks_at_once_never_see_what_is_older_than_their_look()
    {
        // The RAM counts up; whoever begins a look and reads then must not find less than what it was before.
        using var stop = new CancellationTokenSource();
        Task counting = Task.Run(() =>
        {
            for (int i = 1; !stop.IsCancellationRequested; i++)
            {
                for (int at = 0; at < 8; at++) Volatile.Write(ref _ram.Word(at * 2 * RamShadow.PieceBytes), i);
            }
        }, TestContext.Current.CancellationToken);
        Task[] looking = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            for (int look = 0; look < 20_000; look++)
            {
                int at = look % 8 * 2 * RamShadow.PieceBytes;
                int before = Volatile.Read(ref _ram.Word(at));
                _memory.Refresh();
                Assert.True(_memory.Read<int>(s_start + (ulong)at) >= before);
            }
        }, TestContext.Current.CancellationToken))];
        try
        {
            await Task.WhenAll(looking);
        }
        finally
        {
            await stop.CancelAsync();
            await counting;
        }
    }

    [Fact]
    public void The_note_is_found_by_words_of_resident_pages_and_only_then_of_others()
    {
        byte[] note = Note();
        note.CopyTo(_ram.Bytes, 0x41000);
        note.CopyTo(_ram.Bytes, 0x20000);
        note.CopyTo(_ram.Bytes, 0xf0000);
        _ram.Places[0x41] = PageResidence.Resident;
        _ram.Places[0x20] = PageResidence.Elsewhere;
        _ram.Places[0xf0] = PageResidence.Nowhere; // cannot hold one
        using IEnumerator<VmCoreInfo> found = VmCoreInfo.FindAll(_memory).GetEnumerator();

        Assert.True(found.MoveNext());
        Assert.Equal(s_start + 0x41000, found.Current.Address);
        Assert.Equal([0x41], _ram.WordsAskedFor);
        Assert.True(found.MoveNext());
        Assert.Equal(s_start + 0x20000, found.Current.Address);
        Assert.False(found.MoveNext());
        Assert.DoesNotContain(0xf0, _ram.WordsAskedFor);
    }

    [Fact]
    public void A_note_whose_page_is_swapped_in_during_the_search_is_found()
    {
        Note().CopyTo(_ram.Bytes, 0x41000);
        Note().CopyTo(_ram.Bytes, 0x20000);
        _ram.Places[0x41] = PageResidence.Resident;
        _ram.Places[0x20] = PageResidence.Elsewhere;
        using IEnumerator<VmCoreInfo> found = VmCoreInfo.FindAll(_memory).GetEnumerator();
        Assert.True(found.MoveNext());

        _ram.Places[0x20] = PageResidence.Resident;

        Assert.True(found.MoveNext());
        Assert.Equal(s_start + 0x20000, found.Current.Address);
        Assert.False(found.MoveNext());
    }

    private static byte[] Note() =>
        [.. BitConverter.GetBytes(11), .. BitConverter.GetBytes(17), .. BitConverter.GetBytes(0), .. "VMCOREINFO\0\0"u8, .. "OSRELEASE=6.12.0\n"u8];

    private static long Resident()
    {
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>RAM that lies elsewhere, and counts how it is asked.</summary>
    private sealed class FarRam : IRemoteRam
    {
        public FarRam(int length)
        {
            Bytes = GC.AllocateArray<byte>(length, pinned: true);
            Places = new PageResidence[length / 4096];
        }

        public byte[] Bytes { get; }

        public PageResidence[] Places { get; }

        public List<long> WordsAskedFor { get; } = [];

        public int Reads { get; private set; }

        public int Writes { get; private set; }

        public bool IsGone { get; set; }

        public void Put<T>(int offset, T value) where T : unmanaged => System.Runtime.InteropServices.MemoryMarshal.Write(Bytes.AsSpan(offset), in value);

        public ref int Word(int offset) => ref System.Runtime.CompilerServices.Unsafe.As<byte, int>(ref Bytes[offset]);

        public void Read(long offset, Span<byte> destination)
        {
            ThrowIfGone();
            Reads++;
            Bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            ThrowIfGone();
            Writes++;
            source.CopyTo(Bytes.AsSpan((int)offset));
        }

        public void ReadWords(ReadOnlySpan<long> offsets, Span<ulong> words)
        {
            ThrowIfGone();
            for (int i = 0; i < offsets.Length; i++)
            {
                WordsAskedFor.Add(offsets[i] >> 12);
                words[i] = BitConverter.ToUInt64(Bytes, (int)offsets[i]);
            }
        }

        public void QueryPages(long offset, Span<PageResidence> pages)
        {
            ThrowIfGone();
            Places.AsSpan((int)(offset >> 12), pages.Length).CopyTo(pages);
        }

        private void ThrowIfGone()
        {
            if (IsGone) throw new GuestRamLostException("gone", new InvalidOperationException());
        }
    }
}
