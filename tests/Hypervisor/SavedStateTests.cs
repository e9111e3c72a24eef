namespace Watari.Hypervisor.Tests;

public sealed class SavedStateTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly VmLauncher _launcher;
    private readonly VmSpec _spec;

    public SavedStateTests()
    {
        _launcher = new VmLauncher("host-a", Path.Combine(_directory.Path, "run"));
        _spec = new VmSpec
        {
            Name = "first",
            Image = UnbootableImage.CreateIn(_directory.Path),
            MemoryMiB = 64,
            Accelerator = Accelerator.Tcg,
            ExtraArguments = ["-S"],
        };
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string SavedDirectory => Path.Combine(_directory.Path, "a 'quoted' directory");

    public async ValueTask DisposeAsync()
    {
        foreach (VmListing vm in await _launcher.ListAsync(CancellationToken.None))
            await _launcher.StopAsync(vm.Spec.Name, cancellation: CancellationToken.None);
        _directory.Dispose();
    }

    [Fact]
    public async Task A_VM_started_from_a_saved_state_has_its_memory_under_a_name_of_its_own()
    {
        byte[] marker = Guid.NewGuid().ToByteArray();
        GuestPhysicalAddress address = new(33 << 20);
        VmDirectory first = await _launcher.StartAsync(_spec, Cancellation);
        await WithRamAsync(first, ram => marker.CopyTo(ram.RegionOf(address, marker.Length)!.Window(address, marker.Length)));

        SavedState saved = await SavedState.SaveAsync(first, SavedDirectory, Cancellation);
        await _launcher.StopAsync("first", cancellation: Cancellation);
        VmDirectory second = await _launcher.StartFromAsync(SavedState.Open(saved.DirectoryPath), "second", Cancellation);

        VmListing listed = Assert.Single(await _launcher.ListAsync(Cancellation));
        Assert.Equal("second", listed.Spec.Name);
        Assert.Equal(RunState.Running, listed.State);
        await WithRamAsync(second, ram => Assert.Equal(marker, ram.RegionOf(address, marker.Length)!.Window(address, marker.Length)));
    }

    [Fact]
    public async Task Pages_of_zeros_are_not_saved()
    {
        VmDirectory vm = await _launcher.StartAsync(_spec, Cancellation);
        await WithRamAsync(vm, ram =>
        {
            Span<byte> pages = ram.Regions[0].Window(new(32 << 20), 16 << 20);
            pages.Clear(); // 16 MiB of pages, all zero
            pages[5 << 20] = 1; // but for one
        });

        await SavedState.SaveAsync(vm, SavedDirectory, Cancellation);

        using Microsoft.Win32.SafeHandles.SafeFileHandle ram = File.OpenHandle(Path.Combine(SavedDirectory, "ram"));
        Assert.Equal(64 << 20, RandomAccess.GetLength(ram));
        Assert.InRange(SparseFile.Data(ram, 0, 64 << 20).Sum(data => data.Length), 4096, 1 << 20);
    }

    [Fact]
    public async Task A_saved_state_is_never_overwritten()
    {
        VmDirectory vm = await _launcher.StartAsync(_spec, Cancellation);
        Directory.CreateDirectory(SavedDirectory);

        HypervisorException refusal = await Assert.ThrowsAsync<HypervisorException>(() => SavedState.SaveAsync(vm, SavedDirectory, Cancellation));

        Assert.Contains("exists already", refusal.Message, StringComparison.Ordinal);
        Assert.Null(SavedState.TryOpen(SavedDirectory));
    }

    [Fact]
    public async Task A_saved_state_that_is_broken_starts_no_VM_and_leaves_nothing()
    {
        VmDirectory first = await _launcher.StartAsync(_spec, Cancellation);
        SavedState saved = await SavedState.SaveAsync(first, SavedDirectory, Cancellation);
        await _launcher.StopAsync("first", cancellation: Cancellation);
        await File.WriteAllBytesAsync(Path.Combine(SavedDirectory, "device-state"), new byte[1000], Cancellation);

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => _launcher.StartFromAsync(saved, "second", Cancellation));

        Assert.Contains("second was not started", failure.Message, StringComparison.Ordinal);
        Assert.Contains("QEMU's last words", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await _launcher.ListAsync(Cancellation));
    }

    [Fact]
    public void There_may_be_no_saved_state() =>
        Assert.Contains("no saved state", Assert.Throws<HypervisorException>(() => SavedState.Open(SavedDirectory)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Those_that_were_not_used_for_the_longest_time_make_room_for_another_unless_one_may_be_in_use()
    {
        SavedState saved = await SavedState.SaveAsync(await _launcher.StartAsync(_spec, Cancellation), SavedDirectory, Cancellation);
        DateTime now = DateTime.UtcNow;
        foreach ((string name, int minutes) in new[] { ("used", 1), ("yesterdays", 1440), ("last week's", 10080), ("an hour's", 60) })
        {
            string path = Path.Combine(_directory.Path, "cache", name);
            Directory.CreateDirectory(path);
            foreach (string file in Directory.EnumerateFiles(saved.DirectoryPath)) File.Copy(file, Path.Combine(path, Path.GetFileName(file)));
            Directory.SetLastWriteTimeUtc(path, now.AddMinutes(-minutes));
        }

        new SavedStateCache(Path.Combine(_directory.Path, "cache"), most: 3).RemoveUnused();
        Assert.Equal(["an hour's", "used"], Kept());

        new SavedStateCache(Path.Combine(_directory.Path, "cache"), most: 1).RemoveUnused();
        Assert.Equal(["used"], Kept());

        IEnumerable<string> Kept() => Directory.EnumerateFileSystemEntries(Path.Combine(_directory.Path, "cache")).Select(Path.GetFileName).Order(StringComparer.Ordinal)!;
    }

    private static async Task WithRamAsync(VmDirectory directory, Action<GuestRam> use)
    {
        await using VirtualMachine vm = await VirtualMachine.AttachAsync(directory.QmpSocket, cancellation: Cancellation);
        use(vm.Ram);
    }
}
