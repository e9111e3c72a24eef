using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Pauses;
using Watari.Checkpoint.Skeleton;
using Watari.Checkpoint.Tests.Restore;

namespace Watari.Checkpoint.Tests.Capture;

public sealed class FrozenPageReadTests : IDisposable
{
    private const int Pid = 7;
    private const ulong A = 0x7f00_0000_0000, B = A + GuestPage.Size, C = B + GuestPage.Size;
    private readonly DestinationMemory _guest = new();
    private readonly Taken _taken = new();

    public void Dispose() => _guest.Dispose();

    [Fact]
    public void Pages_are_handed_over_with_what_they_hold()
    {
        _guest.Own(A, holds: 1);
        _guest.Own(B, holds: 2);

        Assert.Empty(ReadAll(Fill(A, 2)));

        Assert.Equal(new Dictionary<ulong, byte> { [A] = 1, [B] = 2 }, _taken.FirstBytes);
    }

    [Fact]
    public void A_page_that_stays_absent_was_given_up_and_is_zero_one_that_seems_absent_is_looked_for_again()
    {
        _guest.Own(A, holds: 1);
        _guest.Own(C, holds: 3);

        Assert.Equal([new FrozenPages(Pid, new(B), PageCount.One)], ReadAll(Fill(A, 3)));
        Assert.Equal([A, C], _taken.FirstBytes.Keys);

        Assert.Empty(ReadAll(Fill(B, 1), believeAbsent: true));
        Assert.Equal(new Dictionary<ulong, byte> { [A] = 1, [B] = 0, [C] = 3 }, _taken.FirstBytes);
    }

    [Fact]
    public void Nothing_is_read_of_a_process_whose_tables_are_being_rebuilt()
    {
        _guest.Own(A, holds: 1);
        FrozenPageRead read = new(new BulkReader(_guest.Kernel.Memory), FrozenPages.Of([Fill(A, 1)]), _taken, believeAbsent: true);
        read.Enter(new Dictionary<int, AddressSpace?> { [Pid] = null });

        Assert.False(read.Step());

        Assert.Empty(_taken.FirstBytes);
        Assert.Equal([new FrozenPages(Pid, new(A), PageCount.One)], read.Later);
    }

    [Fact]
    public void A_page_that_is_being_moved_is_left_for_later()
    {
        _guest.Own(A, holds: 1);
        _guest.Swapped(B);

        IReadOnlyList<FrozenPages> later = ReadAll(Fill(A, 2));

        Assert.Equal([new FrozenPages(Pid, new(B), PageCount.One)], later);
        Assert.Equal([A], _taken.FirstBytes.Keys);
    }

    [Fact]
    public void Pages_are_looked_for_anew_in_each_pause()
    {
        for (ulong i = 0; i < 300; i++) _guest.Own(A + i * GuestPage.Size, holds: 1);
        _guest.WhenRunning = () => _guest.Own(A + 299 * GuestPage.Size, holds: 9);
        ShortPauses pauses = new(_guest.Kernel, _guest, new PauseLimits { LongestPause = TimeSpan.Zero, Between = TimeSpan.Zero });
        FrozenPageRead read = new(new BulkReader(_guest.Kernel.Memory), FrozenPages.Of([Fill(A, 300)]), _taken, believeAbsent: false);

        pauses.Run(_ => read.Enter(Spaces()), read.Step);

        Assert.Equal(3, pauses.Totals.Count);
        Assert.Equal(300, _taken.FirstBytes.Count);
        Assert.Equal(9, _taken.FirstBytes[A + 299 * GuestPage.Size]);
    }

    [Fact]
    public void A_process_that_has_ended_is_no_longer_read()
    {
        FrozenPageRead read = new(new BulkReader(_guest.Kernel.Memory), FrozenPages.Of([Fill(A, 1)]), _taken, believeAbsent: false);

        Assert.Equal(FreezeFailure.NoLongerFrozen, Assert.Throws<FreezeException>(() => read.Step()).Failure);
    }

    private IReadOnlyList<FrozenPages> ReadAll(ProcessFill fill, bool believeAbsent = false)
    {
        FrozenPageRead read = new(new BulkReader(_guest.Kernel.Memory), FrozenPages.Of([fill]), _taken, believeAbsent);
        read.Enter(Spaces());
        while (read.Step())
        {
        }
        return read.Later;
    }

    private Dictionary<int, AddressSpace?> Spaces() => new() { [Pid] = _guest.Space };

    private static ProcessFill Fill(ulong start, ulong pages) => new(Pid, [new PageRun(start, pages, new Checkpoint.Model.PageLocation(0))]);

    private sealed class Taken : IPageTaker
    {
        public Dictionary<ulong, byte> FirstBytes { get; } = [];

        public void Take(int pid, GuestVirtualAddress start, ReadOnlySpan<byte> contents)
        {
            Assert.Equal(Pid, pid);
            for (int i = 0; i < contents.Length; i += GuestPage.Size) FirstBytes.Add(start.Value + (ulong)i, contents[i]);
        }

        public void TakeZeroes(int pid, GuestVirtualAddress start, PageCount count)
        {
            for (long i = 0; i < count.Value; i++) FirstBytes.Add(start.Value + (ulong)i * GuestPage.Size, 0);
        }
    }
}
