using System.Diagnostics;

namespace Watari.Hypervisor.Tests;

/// <summary>With an image that never boots: -S keeps its processor from starting.</summary>
public sealed class VmLauncherTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly VmLauncher _launcher;
    private readonly string _image;

    public VmLauncherTests()
    {
        _launcher = new VmLauncher("host-a", Path.Combine(_directory.Path, "run"));
        _image = UnbootableImage.CreateIn(_directory.Path);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (VmListing vm in await _launcher.ListAsync(CancellationToken.None))
            await _launcher.StopAsync(vm.Spec.Name, cancellation: CancellationToken.None);
        _directory.Dispose();
    }

    [Fact]
    public async Task A_started_VM_is_listed_can_be_attached_and_is_gone_when_stopped()
    {
        VmDirectory started = await _launcher.StartAsync(Still("alpha"), Cancellation);

        VmListing listed = Assert.Single(await _launcher.ListAsync(Cancellation));
        Assert.Equal("alpha", listed.Spec.Name);
        Assert.Equal(RunState.Prelaunch, listed.State);
        await using (VirtualMachine vm = await VirtualMachine.AttachAsync(started.QmpSocket, cancellation: Cancellation))
        {
            Assert.Equal("alpha", vm.Name);
            Assert.Equal(listed.ProcessId, vm.Process.Id);
            Assert.Equal(64L << 20, vm.Ram.Length);
            // The second monitor is free while the silo holds the first.
            Assert.Equal(RunState.Prelaunch, Assert.Single(await _launcher.ListAsync(Cancellation)).State);
        }
        Assert.All((string[])[started.AgentSocket, started.ConsoleSocket, started.ConsoleLog, started.RecordFile, started.Disk], file => Assert.True(Path.Exists(file), file));

        await _launcher.StopAsync("alpha", cancellation: Cancellation);

        Assert.Empty(await _launcher.ListAsync(Cancellation));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(started.DirectoryPath)!));
        Assert.True(ProcessHandle.TryOpen(listed.ProcessId!.Value) is not { } process || await process.WaitForEndAsync(TimeSpan.Zero));
    }

    [Fact]
    public async Task A_VM_that_hangs_is_killed_when_stopped()
    {
        VmDirectory started = await _launcher.StartAsync(Still("hangs"), Cancellation);
        using ProcessHandle process = started.OpenProcess()!;
        using (Process stop = Process.Start("kill", ["-STOP", $"{process.Id}"])) await stop.WaitForExitAsync(Cancellation);

        Assert.Null(Assert.Single(await _launcher.ListAsync(Cancellation)).State);
        await _launcher.StopAsync("hangs", cancellation: Cancellation);

        Assert.True(await process.WaitForEndAsync(TimeSpan.Zero));
        Assert.False(Directory.Exists(started.DirectoryPath));
    }

    [Fact]
    public async Task A_pid_file_that_names_another_process_gets_nobody_killed()
    {
        VmDirectory vm = await _launcher.StartAsync(Still("alpha"), Cancellation);
        using ProcessHandle qemu = vm.OpenProcess()!;
        qemu.Kill();
        await qemu.WaitForEndAsync(TimeSpan.FromSeconds(10));
        using Process innocent = Process.Start("sleep", "1000");
        await File.WriteAllTextAsync(vm.PidFile, $"{innocent.Id}\n", Cancellation);

        await _launcher.StopAsync("alpha", cancellation: Cancellation);

        Assert.False(innocent.HasExited);
        innocent.Kill();
    }

    [Fact]
    public async Task A_name_can_be_had_once()
    {
        await _launcher.StartAsync(Still("alpha"), Cancellation);

        HypervisorException taken = await Assert.ThrowsAsync<HypervisorException>(() => _launcher.StartAsync(Still("alpha"), Cancellation));

        Assert.Contains("runs already", taken.Message, StringComparison.Ordinal);
        Assert.Contains("watari vm stop alpha", taken.Message, StringComparison.Ordinal);
        Assert.Equal(RunState.Prelaunch, Assert.Single(await _launcher.ListAsync(Cancellation)).State);
    }

    [Fact]
    public async Task A_VM_that_ended_by_itself_is_told_apart_and_cleared_away()
    {
        VmDirectory vm = await _launcher.StartAsync(Still("alpha"), Cancellation);
        using (ProcessHandle qemu = vm.OpenProcess()!)
        {
            qemu.Kill();
            await qemu.WaitForEndAsync(TimeSpan.FromSeconds(10));
        }

        Assert.Null(Assert.Single(await _launcher.ListAsync(Cancellation)).ProcessId);
        Assert.Contains("has ended", (await Assert.ThrowsAsync<HypervisorException>(() => _launcher.StartAsync(Still("alpha"), Cancellation))).Message, StringComparison.Ordinal);
        await _launcher.StopAsync("alpha", cancellation: Cancellation);
        await _launcher.StartAsync(Still("alpha"), Cancellation);
    }

    [Fact]
    public async Task A_QEMU_that_dies_at_its_start_is_quoted_and_leaves_nothing()
    {
        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(
            () => _launcher.StartAsync(Still("alpha") with { ExtraArguments = ["-device", "no-such-device"] }, Cancellation));

        Assert.Contains("alpha", failure.Message, StringComparison.Ordinal);
        Assert.Contains("no-such-device", failure.Message, StringComparison.Ordinal);
        Assert.Empty(await _launcher.ListAsync(Cancellation));
    }

    [Fact]
    public async Task A_missing_image_is_named_with_how_to_build_it()
    {
        File.Delete(Path.Combine(_image, "vmlinuz"));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => _launcher.StartAsync(Still("alpha"), Cancellation));

        Assert.Contains("make guest-image", failure.Message, StringComparison.Ordinal);
        Assert.Contains("vmlinuz", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Alpha")]
    [InlineData("../alpha")]
    [InlineData("a,b")]
    [InlineData("")]
    public async Task A_name_that_could_do_harm_is_refused(string name) =>
        Assert.Contains("is no name", (await Assert.ThrowsAsync<HypervisorException>(() => _launcher.StartAsync(Still(name), Cancellation))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_run_directory_too_deep_for_sockets_is_refused_with_what_to_do()
    {
        var deep = new VmLauncher("host-a", Path.Combine(_directory.Path, new string('d', 80)));

        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(() => deep.StartAsync(Still("alpha"), Cancellation));

        Assert.Contains("WATARI_RUN", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_what_is_not_there_is_an_error() =>
        Assert.Contains("no VM nobody", (await Assert.ThrowsAsync<HypervisorException>(() => _launcher.StopAsync("nobody", cancellation: Cancellation))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_program_that_is_not_installed_is_named_with_its_package()
    {
        HypervisorException failure = await Assert.ThrowsAsync<HypervisorException>(
            () => Tool.RunAsync("qemu-system-none", [], "qemu-system-x86", TimeSpan.FromSeconds(5), Cancellation));

        Assert.Contains("apt-get install qemu-system-x86", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_does_not_end_is_killed_at_the_deadline() =>
        Assert.Contains("was killed", (await Assert.ThrowsAsync<HypervisorException>(
            () => Tool.RunAsync("sleep", ["1000"], "coreutils", TimeSpan.FromMilliseconds(100), Cancellation))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_guest_that_never_gets_ready_is_given_up_at_the_deadline_and_one_that_dies_at_once()
    {
        VmDirectory vm = await _launcher.StartAsync(Still("alpha"), Cancellation);

        HypervisorException late = await Assert.ThrowsAsync<HypervisorException>(() => _launcher.WaitReadyAsync("alpha", TimeSpan.FromMilliseconds(200), Cancellation));
        Assert.Contains("within", late.Message, StringComparison.Ordinal);
        Task ready = _launcher.WaitReadyAsync("alpha", TimeSpan.FromSeconds(60), Cancellation);
        using (ProcessHandle qemu = vm.OpenProcess()!) qemu.Kill();
        Assert.Contains("ended before", (await Assert.ThrowsAsync<HypervisorException>(() => ready)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_console_that_speaks_ends_the_wait()
    {
        VmDirectory vm = await _launcher.StartAsync(Still("alpha"), Cancellation);

        Task ready = _launcher.WaitReadyAsync("alpha", TimeSpan.FromSeconds(30), Cancellation);
        await File.AppendAllTextAsync(vm.ConsoleLog, $"booting\r\n{VmLauncher.ReadyLine}\r\n", Cancellation);

        await ready;
    }

    private VmSpec Still(string name) => new() { Name = name, Image = _image, MemoryMiB = 64, Accelerator = Accelerator.Tcg, ExtraArguments = ["-S"] };
}
