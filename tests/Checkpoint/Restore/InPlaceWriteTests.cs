using Watari.Checkpoint.Pauses;
using Watari.Checkpoint.Restore;

namespace Watari.Checkpoint.Tests.Restore;

public sealed class InPlaceWriteTests : IDisposable
{
    private const ulong A = 0x7f00_0000_0000, B = A + GuestPage.Size, C = B + GuestPage.Size;
    private readonly DestinationMemory _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Pages_of_the_process_alone_are_written_and_read_back()
    {
        ulong first = _guest.Own(A), second = _guest.Own(B);
        WantedPages wanted = new((A, WantedPages.Filled(1, 2), 0));

        InPlaceWrite write = Write(wanted);

        Assert.Equal(WantedPages.Filled(1), _guest.Holds(first));
        Assert.Equal(WantedPages.Filled(2), _guest.Holds(second));
        Assert.Equal([(A, 1), (B, 2)], wanted.ReadBackFirstBytes.Select(page => (page.Key, (int)page.Value)));
        Assert.Equal(new PageCount(2), write.Written);
        Assert.Empty(write.Missing);
    }

    [Fact]
    public void A_huge_page_is_written_in_part()
    {
        _guest.Huge(0x7f00_0020_0000);
        WantedPages wanted = new((0x7f00_0020_0000 + 5 * GuestPage.Size, WantedPages.Filled(7), 0));

        Assert.Empty(Write(wanted).Missing);

        Assert.Equal(WantedPages.Filled(0xee), _guest.Holds(0x804));
        Assert.Equal(WantedPages.Filled(7), _guest.Holds(0x805));
        Assert.Equal(WantedPages.Filled(0xee), _guest.Holds(0x806));
    }

    [Fact]
    public void A_page_that_was_written_and_then_protected_is_written()
    {
        ulong frame = _guest.Own(A, writable: false);

        Assert.Empty(Write(new WantedPages((A, WantedPages.Filled(1), 0))).Missing);

        Assert.Equal(WantedPages.Filled(1), _guest.Holds(frame));
    }

    [Fact]
    public void A_page_that_was_written_in_the_stead_of_its_process_is_written()
    {
        ulong frame = _guest.Own(A, writable: false, dirty: false);
        _guest.MarkDirty(frame);

        Assert.Empty(Write(new WantedPages((A, WantedPages.Filled(1), 0))).Missing);

        Assert.Equal(WantedPages.Filled(1), _guest.Holds(frame));
    }

    public static TheoryData<string, Func<DestinationMemoryHandle, ulong?>> NotOwn => new()
    {
        { "absent", _ => null },
        { "swapped", guest => { guest.Memory.Swapped(A); return null; } },
        { "the zero page", guest => { guest.Memory.ZeroPage(A); return null; } },
        { "of a file", guest => guest.Memory.Other(A, mapping: 0xffff_8880_0000_1000) },
        { "merged by KSM", guest => guest.Memory.Other(A, mapping: 0xffff_8880_0000_1003) },
        { "shared after a fork", guest => guest.Memory.Other(A, mapping: 0xffff_8880_0000_1001) },
        { "clean, so that it may be dropped", guest => guest.Memory.Own(A, dirty: false) },
    };

    [Theory]
    [MemberData(nameof(NotOwn))]
    public void What_is_not_the_processs_own_is_never_written_and_told_as_missing(string what, Func<DestinationMemoryHandle, ulong?> make)
    {
        ulong? untouched = make(new DestinationMemoryHandle(_guest));
        ulong after = _guest.Own(B);
        WantedPages wanted = new((A, WantedPages.Filled(1, 2), 0));

        InPlaceWrite write = Write(wanted);

        Assert.True(write.Missing.SequenceEqual([new GuestVirtualRange(new(A), new(B))]), what);
        Assert.Equal(WantedPages.Filled(2), _guest.Holds(after));
        if (untouched is { } frame) Assert.Equal(WantedPages.Filled(0xee), _guest.Holds(frame));
        Assert.Equal([B], wanted.ReadBackFirstBytes.Keys);
    }

    [Fact]
    public void Shared_pages_that_hold_the_right_bytes_already_are_left_and_counted()
    {
        ulong frame = _guest.Other(A, mapping: 0xffff_8880_0000_1000, holds: 9);
        WantedPages wanted = new((A, WantedPages.Filled(9), 0));

        InPlaceWrite write = Write(wanted);

        Assert.Empty(write.Missing);
        Assert.Equal(PageCount.One, write.Written);
        Assert.Equal([A], wanted.ReadBackFirstBytes.Keys);
        Assert.Equal(WantedPages.Filled(9), _guest.Holds(frame));
    }

    [Fact]
    public void Zero_pages_clear_what_is_there_and_need_nothing_where_nothing_is()
    {
        ulong frame = _guest.Own(A);
        _guest.ZeroPage(C);

        InPlaceWrite write = Write(new WantedPages((A, [], 3)));

        Assert.Equal(new byte[GuestPage.Size], _guest.Holds(frame));
        Assert.Empty(write.Missing);
        Assert.Equal(new PageCount(3), write.Written);
    }

    [Fact]
    public void A_kernel_that_does_not_mark_exclusive_pages_must_map_them_once_and_writable()
    {
        using DestinationMemory old = new(marksExclusive: false);
        ulong writable = old.Own(A), protectedPage = old.Own(B, writable: false);

        InPlaceWrite write = Write(new WantedPages((A, WantedPages.Filled(1, 2), 0)), old);

        Assert.Equal([new GuestVirtualRange(new(B), new(C))], write.Missing);
        Assert.Equal(WantedPages.Filled(1), old.Holds(writable));
        Assert.Equal(WantedPages.Filled(0xee), old.Holds(protectedPage));
    }

    [Fact]
    public void Each_pause_is_short_and_makes_progress_and_pages_are_looked_for_anew_in_each()
    {
        byte[] contents = WantedPages.Filled([.. Enumerable.Range(0, 300).Select(i => (byte)(i + 1))]);
        for (ulong i = 0; i < 300; i++) _guest.Own(A + i * GuestPage.Size);
        ulong moved = 0;
        _guest.WhenRunning = () => moved = moved == 0 ? _guest.Own(A + 299 * GuestPage.Size) : moved;
        ShortPauses pauses = new(_guest.Kernel, _guest, new PauseLimits { LongestPause = TimeSpan.Zero, Between = TimeSpan.Zero });
        InPlaceWrite write = new(_guest.Writer, new BulkReader(_guest.Kernel.Memory), new WantedPages((A, contents, 0)));

        pauses.Run(still => write.Enter(_guest.Space, new ExclusivePages(still.Kernel)), write.Step);

        Assert.Equal(3, pauses.Totals.Count);
        Assert.Equal(new PageCount(300), write.Written);
        Assert.Equal(WantedPages.Filled(unchecked((byte)300)), _guest.Holds(moved));
    }

    private InPlaceWrite Write(WantedPages wanted, DestinationMemory? guest = null)
    {
        guest ??= _guest;
        InPlaceWrite write = new(guest.Writer, new BulkReader(guest.Kernel.Memory), wanted);
        write.Enter(guest.Space, new ExclusivePages(guest.Kernel));
        while (write.Step())
        {
        }
        return write;
    }

    /// <summary>Lets a theory's case lay out memory: its parameters must be public.</summary>
    public sealed class DestinationMemoryHandle
    {
        internal DestinationMemoryHandle(DestinationMemory memory) => Memory = memory;

        internal DestinationMemory Memory { get; }
    }
}
