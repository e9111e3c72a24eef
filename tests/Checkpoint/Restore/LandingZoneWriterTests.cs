using Watari.Checkpoint.Restore;

namespace Watari.Checkpoint.Tests.Restore;

public sealed class LandingZoneWriterTests : IDisposable
{
    private const ulong Zone = 0xffff_8880_0000_2000, OtherFile = 0xffff_8880_0000_3000;
    private readonly DestinationMemory _guest = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void The_file_is_written_where_its_pages_lie()
    {
        PageFrameNumber back = _guest.File(firstPage: 2, pages: 2, Zone);
        PageFrameNumber front = _guest.File(firstPage: 0, pages: 2, Zone);

        Write([new LandingFrames(0, front, new PageCount(2)), new LandingFrames(2, back, new PageCount(2))], WantedPages.Filled(1, 2, 3, 4));

        Assert.Equal(WantedPages.Filled(1), _guest.Holds(front.Value));
        Assert.Equal(WantedPages.Filled(2), _guest.Holds(front.Value + 1));
        Assert.Equal(WantedPages.Filled(3), _guest.Holds(back.Value));
        Assert.Equal(WantedPages.Filled(4), _guest.Holds(back.Value + 1));
    }

    [Fact]
    public void The_last_page_may_be_short()
    {
        PageFrameNumber frame = _guest.File(firstPage: 0, pages: 1, Zone);

        Write([new LandingFrames(0, frame, PageCount.One)], [1, 2, 3]);

        Assert.Equal([1, 2, 3, 0xee], _guest.Holds(frame.Value)[..4]);
    }

    [Fact]
    public void A_page_that_has_moved_away_or_never_was_of_the_zone_is_not_written()
    {
        PageFrameNumber frame = _guest.File(firstPage: 0, pages: 2, Zone);
        PageFrameNumber other = _guest.File(firstPage: 1, pages: 1, OtherFile);
        PageFrameNumber anonymous = new(_guest.Own(0x7f00_0000_0000));
        LandingFrames first = new(0, frame, PageCount.One);

        foreach (LandingFrames wrong in (LandingFrames[])[new(1, other, PageCount.One), new(1, frame, PageCount.One), new(1, anonymous, PageCount.One)])
        {
            Assert.Throws<LandingZoneMovedException>(() => Write([first, wrong], WantedPages.Filled(1, 2)));
            if (wrong.Frame != frame) Assert.Equal(WantedPages.Filled(0xee), _guest.Holds(wrong.Frame.Value));
        }
        Assert.Throws<LandingZoneMovedException>(() => Write([new LandingFrames(0, anonymous, PageCount.One)], WantedPages.Filled(1)));
    }

    [Fact]
    public void What_the_guest_holds_then_is_handed_back()
    {
        PageFrameNumber frame = _guest.File(firstPage: 0, pages: 2, Zone);
        Contents contents = new(WantedPages.Filled(1, 2));

        new LandingZoneWriter(_guest.Kernel, _guest.Writer, _guest).Write([new LandingFrames(0, frame, new PageCount(2))], contents, CancellationToken.None);

        Assert.Equal(WantedPages.Filled(1, 2), contents.SeenInGuest);
    }

    private void Write(LandingFrames[] zone, byte[] file) =>
        new LandingZoneWriter(_guest.Kernel, _guest.Writer, _guest).Write(zone, new Contents(file), CancellationToken.None);

    private sealed class Contents(byte[] file) : ILandingContents
    {
        public byte[] SeenInGuest { get; } = new byte[file.Length];

        public void ReadBack(long page, ReadOnlySpan<byte> contents) => contents.CopyTo(SeenInGuest.AsSpan((int)page * GuestPage.Size));

        public ReadOnlySpan<byte> From(long page, long pages)
        {
            int start = (int)page * GuestPage.Size;
            return start >= file.Length ? default : file.AsSpan(start, Math.Min((int)pages * GuestPage.Size, file.Length - start));
        }
    }
}
