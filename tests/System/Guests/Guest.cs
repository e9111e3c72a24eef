using System.Globalization;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;

namespace Watari.Guests;

/// <summary>What kind of guest a test wants.</summary>
public sealed record GuestOptions
{
    /// <summary>Its name on the host and in the guest.</summary>
    public string Name { get; init; } = "guest";

    /// <summary>The host that it belongs to; guests of two hosts keep apart by it.</summary>
    public string Host { get; init; } = "test";

    /// <summary>Its image: a Debian suite, or one with another's kernel (<c>trixie+bullseye-cloud-amd64</c>).</summary>
    public string Suite { get; init; } = "trixie";

    /// <summary>More of the kernel's command line.</summary>
    public string KernelArguments { get; init; } = "";

    public int MemoryMiB { get; init; } = 512;

    public int Vcpus { get; init; } = 1;

    /// <summary>Shell commands that make it what is wanted. They run once on a machine: what they leave is part of the state that is saved.</summary>
    public string Setup { get; init; } = "";

    /// <summary>Shell commands that it does after that, at each start: what must not be part of the saved state.</summary>
    public string Begin { get; init; } = "";

    /// <summary>CPU model with its features, as QEMU takes it; null for all that this machine can give.</summary>
    public string? Cpu { get; init; }

    /// <summary>Whether its RAM is its QEMU's own, to be copied by whoever reads it.</summary>
    public bool PrivateRam { get; init; }

    /// <summary>Where its run directory goes: by default one of its own, gone with the guest.</summary>
    public string? RunDirectory { get; init; }
}

/// <summary>
/// A booted guest in a VM of its own, with a root shell. It starts from a saved state, which the first use on a machine makes;
/// disposing it removes the VM and all that was its own.
/// <code>
/// await using Guest guest = await Guest.StartAsync();
/// string kernel = await guest.Console.CheckAsync("uname -r");
/// await using VirtualMachine vm = await guest.AttachAsync();
/// </code>
/// </summary>
public sealed class Guest : IAsyncDisposable
{
    private readonly DirectoryInfo? _ownRun;

    private Guest(VmLauncher launcher, VmDirectory directory, GuestConsole console, DirectoryInfo? ownRun)
    {
        Launcher = launcher;
        Directory = directory;
        Console = console;
        _ownRun = ownRun;
    }

    public string Name => Directory.Name;

    public VmLauncher Launcher { get; }

    /// <summary>Its sockets and files.</summary>
    public VmDirectory Directory { get; }

    /// <summary>The root shell.</summary>
    public GuestConsole Console { get; }

    /// <exception cref="HypervisorException">The guest image is missing (make guest-image), or QEMU would not start.</exception>
    public static async Task<Guest> StartAsync(GuestOptions? options = null, CancellationToken cancellation = default)
    {
        options ??= new GuestOptions();
        var spec = new VmSpec { Name = options.Name, Image = GuestImage.DefaultDirectory(options.Suite), MemoryMiB = options.MemoryMiB, Vcpus = options.Vcpus, KernelArguments = options.KernelArguments };
        if (options.Cpu is { } cpu) spec = spec with { Cpu = cpu };
        for (int start = 1; ; start++)
        {
            try
            {
                SavedState booted = await new SavedStateCache().GetAsync(
                    spec, options.Setup + SettleCommand, (vm, cancel) => SettleAsync(vm, options.Setup, cancel), cancellation);
                return await StartFromAsync(options.PrivateRam ? booted.WithPrivateRam() : booted, options, cancellation);
            }
            catch (Exception failure) when (start < MostStarts && options.Vcpus > 1 && failure is (HypervisorException or TimeoutException))
            {
                System.Console.Error.WriteLine($"The guest did not come up, and is started again: {failure.Message}");
            }
        }
    }

    private static async Task<Guest> StartFromAsync(SavedState booted, GuestOptions options, CancellationToken cancellation)
    {
        DirectoryInfo? ownRun = options.RunDirectory is null ? System.IO.Directory.CreateTempSubdirectory("watari-") : null;
        var launcher = new VmLauncher(options.Host, options.RunDirectory ?? ownRun!.FullName);
        try
        {
            VmDirectory directory = await launcher.StartFromAsync(booted, options.Name, cancellation);
            GuestConsole console = await GuestConsole.ConnectAsync(directory.ConsoleSocket, cancellation);
            var guest = new Guest(launcher, directory, console, ownRun);
            try
            {
                // The saved guest has another name, and its wall clock stands where it was saved.
                string now = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0).ToString("F3", CultureInfo.InvariantCulture);
                await console.CheckAsync($"hostname {options.Name} && date -s @{now}", cancellation: cancellation);
                if (options.Begin.Length > 0) await console.CheckAsync(options.Begin, s_begin, cancellation);
                return guest;
            }
            catch
            {
                await guest.DisposeAsync();
                throw;
            }
        }
        catch
        {
            if (ownRun?.Exists == true) ownRun.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Attaches to it as a silo would. Dispose what comes before the guest.</summary>
    public Task<VirtualMachine> AttachAsync(CancellationToken cancellation = default) => VirtualMachine.AttachAsync(Directory.QmpSocket, Name, cancellation: cancellation);

    public async ValueTask DisposeAsync()
    {
        await Console.DisposeAsync();
        if (System.IO.Directory.Exists(Directory.DirectoryPath)) await Launcher.StopAsync(Name);
        if (_ownRun?.Exists == true) _ownRun.Delete(recursive: true);
    }

    /// <summary>The page cache of the boot would be most of what is saved and read back.</summary>
    private const string SettleCommand = "sync; echo 3 >/proc/sys/vm/drop_caches; sync";

    /// <summary>
    /// QEMU's translator now and then breaks a kernel of several processors while that patches its own code: seen to panic and to end in a
    /// triple fault during the boot, and to lock up while its first containers start, before anything of ours was at work.
    /// </summary>
    private const int MostStarts = 3;

    private static readonly TimeSpan s_setup = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_begin = TimeSpan.FromMinutes(2);

    private static async Task SettleAsync(VmDirectory vm, string setup, CancellationToken cancellation)
    {
        await using GuestConsole console = await GuestConsole.ConnectAsync(vm.ConsoleSocket, cancellation);
        // An agent that starts asks criu, runc and podman for their versions: in every guest of this state, if they had not answered by now.
        await using (await GuestAgentClient.ConnectAsync(vm.AgentSocket, new GuestAgentClientOptions { ConnectDeadline = s_setup }, cancellation))
        {
        }

        if (setup.Length > 0) await console.CheckAsync(setup, s_setup, cancellation);
        await console.CheckAsync(SettleCommand, cancellation: cancellation);
    }
}
