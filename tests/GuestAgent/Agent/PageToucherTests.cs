using Watari.GuestAgent.Memory;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>The toucher at work on mappings of this very process.</summary>
public sealed unsafe class PageToucherTests
{
    private const int PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20;
    private const int Page = Pagemap.PageSize;

    private readonly PageToucher toucher = new(Environment.ProcessId);

    [Fact]
    public void Absent_pages_become_present_and_a_repetition_finds_nothing_to_do()
    {
        using Mapping area = new(700, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        TouchResult first = Touch(area.All);
        Assert.Equal((700, 0, 700, 0), (first.Pages, first.Already, first.Written + first.ByHugePage, first.Failed));
        Assert.Equal(700, area.Exclusives());

        TouchResult again = Touch(area.All);
        Assert.Equal((700, 700, 0), (again.Pages, again.Already, again.Written));
    }

    [Fact]
    public void What_is_already_written_stays_as_it_is()
    {
        using Mapping area = new(3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        area.Bytes[Page] = 0xab;
        TouchResult result = Touch(area.All);
        Assert.Equal(0xab, area.Bytes[Page]);
        Assert.Equal(0, result.Failed);
    }

    [Fact]
    public void Pages_that_were_only_read_leave_the_shared_zero_page()
    {
        using Mapping area = new(3, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        for (int i = 0; i < 3; i++)
            Assert.Equal(0, area.Bytes[i * Page]);
        Assert.SkipWhen(area.Exclusives() == 3, "this host's kernel gives a page of its own to whoever only reads it");
        Assert.Equal(0, area.Exclusives());
        Assert.Equal(0, Touch(area.All).Failed);
        Assert.Equal(3, area.Exclusives());
    }

    [Fact]
    public void A_private_page_of_a_file_becomes_the_processs_own_with_the_files_contents()
    {
        string path = Path.GetTempFileName();
        File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)7, 2 * Page)]);
        using KernelFile file = KernelFile.Open(path, Libc.O_RDONLY);
        using Mapping area = new(2, PROT_READ, MAP_PRIVATE, file.Fd);
        Assert.Equal(7, area.Bytes[0]);
        Assert.Equal(7, area.Bytes[Page]);

        TouchResult result = Touch(area.All);
        Assert.Equal((2, 0), (result.Written, result.Failed));
        Assert.Equal(2, area.Exclusives());
        Assert.Equal(7, area.Bytes[0]);
        File.Delete(path);
    }

    [Fact]
    public void An_area_without_write_permission_is_no_obstacle()
    {
        using Mapping area = new(5, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS);
        Assert.Equal(0, Touch(area.All).Failed);
        Assert.Equal(5, area.Exclusives());
    }

    [Fact]
    public void Pages_that_are_not_mapped_are_counted_as_failed()
    {
        Mapping area = new(4, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        PageRange gone = area.All;
        area.Dispose();
        Assert.Equal(4, Touch(gone).Failed);
    }

    [Fact]
    public void Shared_memory_is_present_and_stays_shared()
    {
        using Mapping area = new(4, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
        TouchResult result = Touch(area.All);
        Assert.Equal(0, result.Failed);
        Assert.Equal(0, area.Exclusives());
    }

    [Fact]
    public void Many_ranges_are_shared_out_without_loss()
    {
        using Mapping area = new(20_000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
        PageRange[] every = [.. Enumerable.Range(0, 10_000).Select(i => new PageRange(area.All.Address + ((ulong)i * 2 * Page), 1))];
        TouchResult result = Touch(every);
        Assert.Equal((10_000, 0), (result.Pages, result.Failed));
    }

    [Theory]
    [InlineData(1ul, 1ul)]
    [InlineData(0x1000ul, 0ul)]
    [InlineData(0xffff_8000_0000_0000ul, 1ul)]
    [InlineData(0x1000ul, ulong.MaxValue)]
    [InlineData(0xff_ffff_ffff_f000ul, 2ul)]
    public void A_range_that_is_none_of_a_users_is_refused(ulong address, ulong pages) =>
        Assert.Equal(AgentErrorCode.BadRequest, Assert.Throws<AgentException>(() => PageToucher.CheckedTotal([new PageRange(address, pages)])).Code);

    private TouchResult Touch(params PageRange[] ranges) => toucher.Touch(ranges, Deadline.After(30_000));

    private sealed class Mapping : IDisposable
    {
        private readonly nint address;
        private readonly int pages;

        public Mapping(int pages, int protection, int flags, int fd = -1)
        {
            this.pages = pages;
            address = Libc.mmap(0, (nuint)(pages * Page), protection, flags, fd, 0);
            Assert.NotEqual(-1, address);
        }

        public PageRange All => new((ulong)address, (ulong)pages);

        public Span<byte> Bytes => new((void*)address, pages * Page);

        public int Exclusives()
        {
            using Pagemap pagemap = new("self");
            PagemapEntry[] entries = new PagemapEntry[pages];
            pagemap.Read((ulong)address, entries);
            return entries.Count(entry => entry.Exclusive);
        }

        public void Dispose() => _ = Libc.munmap(address, (nuint)(pages * Page));
    }
}
