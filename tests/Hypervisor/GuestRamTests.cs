using System.Text.Json.Nodes;

namespace Watari.Hypervisor.Tests;

public sealed class GuestRamTests
{
    private const long MiB = 1 << 20, GiB = 1 << 30;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string> WaysToShareRam =>
    [
        "memory-backend-memfd,id=ram,size=4G,share=on",
        "memory-backend-file,id=ram,size=4G,share=on,mem-path={dir}/ram",
        "memory-backend-ram,id=ram,size=4G,share=on", // no descriptor at all: /proc/PID/map_files
    ];

    [Theory]
    [MemberData(nameof(WaysToShareRam))]
    public async Task RAM_below_and_above_the_PCI_hole_is_the_guests_own(string backend)
    {
        await using RealQemu qemu = await RealQemu.StartAsync("-m", "4G", "-object", backend, "-machine", "q35,memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        using GuestRam ram = await GuestRam.MapAsync(qmp, Cancellation);

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
    [InlineData("memory-backend-ram,id=ram,size=64M")]
    [InlineData("memory-backend-memfd,id=ram,size=64M,share=off")]
    [InlineData("memory-backend-file,id=ram,size=64M,mem-path={dir}/ram")]
    public async Task RAM_that_is_private_to_QEMU_is_refused_with_how_to_start_the_VM(string backend)
    {
        await using RealQemu qemu = await RealQemu.StartAsync("-m", "64", "-object", backend, "-machine", "q35,memory-backend=ram");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);

        HypervisorException refusal = await Assert.ThrowsAsync<HypervisorException>(() => GuestRam.MapAsync(qmp, Cancellation));
        Assert.Contains("share=on", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(qemu.SocketPath, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RAM_of_a_VM_started_with_nothing_but_its_size_is_refused()
    {
        await using RealQemu qemu = await RealQemu.StartAsync("-m", "64", "-machine", "q35");
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);

        Assert.Contains("share=on", (await Assert.ThrowsAsync<HypervisorException>(() => GuestRam.MapAsync(qmp, Cancellation))).Message, StringComparison.Ordinal);
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

    /// <summary>Writes a marker through our mapping and has QEMU read guest-physical memory there (pmemsave).</summary>
    private static async Task AssertSeesTheSameAsync(QmpClient qmp, RealQemu qemu, GuestRam ram, GuestPhysicalAddress address)
    {
        byte[] marker = new byte[16];
        Random.Shared.NextBytes(marker);
        marker.CopyTo(ram.RegionOf(address, marker.Length)!.Window(address, marker.Length));
        string file = Path.Combine(qemu.DirectoryPath, "pmem");

        await qmp.ExecuteAsync("pmemsave", new JsonObject { ["val"] = (long)address.Value, ["size"] = marker.Length, ["filename"] = file }, cancellation: Cancellation);

        Assert.Equal(marker, await File.ReadAllBytesAsync(file, Cancellation));
    }
}
