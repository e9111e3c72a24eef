using System.Text.Json.Nodes;

namespace Watari.Hypervisor.Tests;

public sealed class GuestRamTests
{
    private const long MiB = 1 << 20, GiB = 1 << 30;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, RamAccess> WaysToHaveRam => new()
    {
        { "memory-backend-memfd,id=ram,size=4G,share=on", RamAccess.Memfd },
        { "memory-backend-file,id=ram,size=4G,share=on,mem-path={dir}/ram", RamAccess.SharedFile },
        { "memory-backend-ram,id=ram,size=4G,share=on", RamAccess.SharedFile }, // no descriptor at all: /proc/PID/map_files
        { "memory-backend-ram,id=ram,size=4G", RamAccess.ProcessMemory },
        { "memory-backend-memfd,id=ram,size=4G,share=off", RamAccess.ProcessMemory }, // the memfd is there, and is not what the guest has
        { "memory-backend-file,id=ram,size=4G,share=off,mem-path={dir}/ram", RamAccess.ProcessMemory },
    };

    [Theory]
    [MemberData(nameof(WaysToHaveRam))]
    public async Task RAM_below_and_above_the_PCI_hole_is_the_guests_own(string backend, RamAccess access)
    {
        await using RealQemu qemu = await RealQemu.StartAsync("-m", "4G", "-object", backend, "-machine", "q35,memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);

        Assert.Equal(access, ram.Access);
        Assert.Equal([(0L, 2 * GiB), (4 * GiB, 2 * GiB)], ram.Regions.Select(region => ((long)region.Start.Value, region.Length)));
        Assert.Equal(4 * GiB, ram.Length);
        foreach (ulong address in (ulong[])[0x1000, 0x7fff_f000, 0x1_0000_0000, 0x1_7fff_f000])
        {
            await AssertSeesTheSameAsync(qmp, qemu, ram, new GuestPhysicalAddress(address));
        }
    }

    [Theory]
    [InlineData("q35", 2816)] // the most that q35 leaves below the hole
    [InlineData("q35", 2818)]
    [InlineData("pc", 3072)]
    [InlineData("pc", 3584)]
    [InlineData("q35,max-ram-below-4g=1G", 3072)]
    public async Task Where_the_hole_lies_is_QEMUs_word(string machine, long megabytes)
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-m", $"{megabytes}M", "-object", $"memory-backend-memfd,id=ram,size={megabytes}M,share=on", "-machine", $"{machine},memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);

        Assert.Equal(megabytes * MiB, ram.Length);
        foreach (RamRegion region in ram.Regions)
        {
            await AssertSeesTheSameAsync(qmp, qemu, ram, region.Start + 0x1000);
            await AssertSeesTheSameAsync(qmp, qemu, ram, region.Start + (region.Length - 0x1000));
        }
    }

    [Fact]
    public async Task Two_memory_backends_of_equal_size_are_told_apart()
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-m", "128M", "-smp", "2", "-object", "memory-backend-memfd,id=m0,size=64M,share=on", "-object", "memory-backend-memfd,id=m1,size=64M,share=on",
            "-numa", "node,memdev=m0,cpus=0", "-numa", "node,memdev=m1,cpus=1", "-machine", "q35");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);

        Assert.Equal(2, ram.Regions.Count);
        await AssertSeesTheSameAsync(qmp, qemu, ram, new GuestPhysicalAddress(0x1000));
        await AssertSeesTheSameAsync(qmp, qemu, ram, new GuestPhysicalAddress((ulong)(64 * MiB) + 0x1000));
    }

    [Fact]
    public async Task A_RAM_file_that_was_unlinked_is_reached_through_QEMUs_descriptor()
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-m", "64", "-object", "memory-backend-file,id=ram,size=64M,share=on,mem-path={dir}/ram", "-machine", "q35,memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        File.Delete(Path.Combine(qemu.DirectoryPath, "ram"));
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);

        await AssertSeesTheSameAsync(qmp, qemu, ram, new GuestPhysicalAddress(0x1000));
    }

    [Fact]
    public async Task A_RAM_file_that_was_cut_off_is_an_error_where_it_is_copied()
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-m", "64", "-object", "memory-backend-file,id=ram,size=64M,share=on,mem-path={dir}/ram", "-machine", "q35,memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);
        qemu.Signal("STOP");
        using (var file = new FileStream(Path.Combine(qemu.DirectoryPath, "ram"), FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(32 << 20);

        Assert.Contains("cut off", Assert.Throws<HypervisorException>(() => Read(ram, (32 << 20) - 4096, 8192)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Mapping_touches_no_page()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam first = await GuestRam.MapAsync(qmp, Cancellation);
        var before = first.Regions[0].Populated().ToList();
        using GuestRam second = await GuestRam.MapAsync(qmp, Cancellation);

        Assert.Equal(before, second.Regions[0].Populated());
        Assert.True(before.Sum(data => data.Length) < 1 * MiB, "a guest that never ran has hardly a page");
    }

    [Fact]
    public async Task Populated_lists_what_has_pages_and_nothing_else()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);
        var untouched = ram.Regions[0].Populated().ToList();

        ram.Regions[0].Window(new(32 << 20), 8192).Fill(1);
        ram.Regions[0].Window(new((64 << 20) - 4096), 4096).Fill(1);

        Assert.Equal([(new(32 << 20), 8192), (new((64 << 20) - 4096), 4096)], ram.Regions[0].Populated().Except(untouched));
    }

    [Theory]
    [InlineData("-machine", "q35")] // nothing said of RAM but its size
    [InlineData("-machine", "pc")]
    [InlineData("-machine", "q35,memory-backend=ram", "-object", "memory-backend-ram,id=ram,size=64M,prealloc=on,prealloc-threads=2")]
    [InlineData("-machine", "q35", "-object", "memory-backend-ram,id=m0,size=32M", "-object", "memory-backend-ram,id=m1,size=32M",
        "-smp", "2", "-numa", "node,memdev=m0,cpus=0", "-numa", "node,memdev=m1,cpus=1")]
    public async Task RAM_of_a_VM_that_nobody_made_for_us_is_read_and_written_in_its_process(params string[] arguments)
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            ["-m", "64", .. arguments, "-device", "loader,addr=0x5008,data=0x1122334455667788,data-len=8", "-device", "loader,addr=0x3fff000,data=0x99,data-len=1"]);
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);

        Assert.Equal((RamAccess.ProcessMemory, 64 * MiB), (ram.Access, ram.Length));
        Assert.Equal(0x1122334455667788, BitConverter.ToInt64(Read(ram, 0x5008, 8)));
        Assert.Equal([0x99], Read(ram, 0x3fff000, 1));
        await AssertSeesTheSameAsync(qmp, qemu, ram, new GuestPhysicalAddress(0x5000));
        await AssertSeesTheSameAsync(qmp, qemu, ram, new GuestPhysicalAddress((ulong)(64 * MiB) - 16));

        // Many places in one call.
        GuestPhysicalAddress[] places = [.. Enumerable.Range(0, 3000).Select(page => new GuestPhysicalAddress((ulong)page << 12))];
        places[5] = new(0x5010); // beyond the marker
        ram.Regions[0].Write(places[5], BitConverter.GetBytes(0x1122334455667788UL));
        ulong[] words = new ulong[places.Length];
        ram.Regions[0].ReadWords(places, words);
        Assert.Equal(0x1122334455667788UL, words[5]);
    }

    [Fact]
    public async Task Looking_at_private_RAM_does_not_make_QEMU_grow_and_finds_the_pages_that_are_there()
    {
        await using RealQemu qemu = await RealQemu.StartAsync("-m", "1G", "-machine", "q35", "-device", "loader,addr=0x20000000,data=1,data-len=1");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);
        RamRegion region = Assert.Single(ram.Regions);
        long before = ResidentOf(qemu.ProcessId);
        var pages = new PagePlace[GiB / 4096];
        ulong[] words = new ulong[pages.Length];

        region.QueryPages(region.Start, pages);
        GuestPhysicalAddress[] there = [.. Enumerable.Range(0, pages.Length).Where(page => pages[page] == PagePlace.Resident).Select(page => new GuestPhysicalAddress((ulong)page << 12))];
        region.ReadWords(there, words);

        Assert.Contains(new GuestPhysicalAddress(0x20000000), there);
        Assert.InRange(there.Length, 1, 4096); // a guest that never ran; a huge page is 512
        Assert.DoesNotContain(PagePlace.Elsewhere, pages);
        Assert.True(ResidentOf(qemu.ProcessId) - before < MiB, "QEMU has grown");
    }

    [Fact]
    public async Task Pages_of_a_file_that_QEMU_maps_privately_are_elsewhere_until_they_are_touched()
    {
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-m", "64", "-object", "memory-backend-file,id=ram,size=64M,share=off,mem-path={dir}/ram", "-machine", "q35,memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);
        await using (FileStream file = File.OpenWrite(Path.Combine(qemu.DirectoryPath, "ram")))
        {
            file.Position = 32 * MiB;
            file.WriteByte(7); // as where RAM was restored from a file
        }

        var pages = new PagePlace[1];
        ram.Regions[0].QueryPages(new(32 << 20), pages);

        Assert.Equal(PagePlace.Elsewhere, pages[0]);
        Assert.Equal([7], Read(ram, 32 << 20, 1));
    }

    [Fact]
    public async Task Private_RAM_ends_with_its_QEMU_and_says_so()
    {
        GuestRam ram;
        await using (RealQemu qemu = await RealQemu.StartAsync("-m", "64", "-machine", "q35"))
        {
            await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
            ram = await GuestRam.MapAsync(qmp, Cancellation);
            ram.Regions[0].Write(new(0x5000), [42]);
        }

        using (ram)
        {
            RamRegion region = ram.Regions[0];
            byte[] byteThere = new byte[1];
            foreach (Action use in (Action[])[
                () => region.Read(new(0x5000), byteThere),
                () => region.Write(new(0x5000), byteThere),
                () => region.ReadWords([new(0x5000)], new ulong[1]),
                () => region.QueryPages(new(0x5000), new PagePlace[1])])
            {
                Assert.Contains("has ended", Assert.Throws<HypervisorException>(use).Message, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Private_RAM_has_no_window_and_what_is_not_in_it_is_refused()
    {
        await using RealQemu qemu = await RealQemu.StartAsync("-m", "64", "-machine", "q35");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);
        RamRegion region = ram.Regions[0];

        Assert.Throws<InvalidOperationException>(() => region.Window(new(0x5000), 1).Length);
        Assert.Throws<InvalidOperationException>(() => region.Populated());
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Read(region.End, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Write(new(region.End.Value - 1), new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => region.ReadWords([new(region.End.Value - 4)], new ulong[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => region.QueryPages(new(region.End.Value - 4096), new PagePlace[2]));
    }

    [Fact]
    public async Task RAM_outlives_its_QEMU()
    {
        GuestRam ram;
        await using (RealQemu qemu = await RealQemu.StartSmallAsync())
        {
            await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
            ram = await GuestRam.MapAsync(qmp, Cancellation);
            ram.Regions[0].Window(new(0x5000), 1)[0] = 42;
        }

        Assert.Equal(42, ram.Regions[0].Window(new(0x5000), 1)[0]);
        ram.Dispose();
        Assert.Throws<ObjectDisposedException>(() => ram.Regions[0].Window(new(0x5000), 1).Length);
    }

    [Fact]
    public async Task A_window_beyond_a_region_is_refused()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);
        RamRegion region = ram.Regions[0];

        Assert.Throws<ArgumentOutOfRangeException>(() => region.Window(region.End, 1).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Window(new(region.End.Value - 1), 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => region.Window(new(ulong.MaxValue), 1).Length);
        Assert.Null(ram.RegionOf(region.End));
        Assert.Same(region, ram.RegionOf(new(region.End.Value - 1)));
    }

    [Fact]
    public async Task Discovery_finds_the_process_behind_a_socket_even_when_it_hangs()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        qemu.Signal("STOP");

        QemuProcess process = QemuProcess.Discover(qemu.SocketPath);

        Assert.Equal(qemu.ProcessId, process.Id);
        Assert.Contains("qemu", process.Executable, StringComparison.Ordinal);
        await Assert.ThrowsAsync<QmpTimeoutException>(() => QmpClient.ConnectAsync(qemu.SocketPath, TimeSpan.FromMilliseconds(200), Cancellation));
    }

    private static byte[] Read(GuestRam ram, ulong address, int length)
    {
        byte[] bytes = new byte[length];
        ram.RegionOf(new(address), length)!.Read(new(address), bytes);
        return bytes;
    }

    private static long ResidentOf(int process)
    {
        string line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], System.Globalization.CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>Writes a marker and has QEMU read guest-physical memory there (pmemsave).</summary>
    private static async Task AssertSeesTheSameAsync(QmpClient qmp, RealQemu qemu, GuestRam ram, GuestPhysicalAddress address)
    {
        byte[] marker = new byte[16];
        Random.Shared.NextBytes(marker);
        ram.RegionOf(address, marker.Length)!.Write(address, marker);
        string file = Path.Combine(qemu.DirectoryPath, "pmem");

        await qmp.ExecuteAsync("pmemsave", new JsonObject { ["val"] = (long)address.Value, ["size"] = marker.Length, ["filename"] = file }, cancellation: Cancellation);

        Assert.Equal(marker, await File.ReadAllBytesAsync(file, Cancellation));
        Assert.Equal(marker, Read(ram, address.Value, marker.Length));
    }
}
