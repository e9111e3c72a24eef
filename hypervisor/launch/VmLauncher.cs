namespace Watari.Hypervisor;

/// <summary>A VM of ours and how it fares; <see cref="RunState"/> is null when its QEMU has ended or does not answer.</summary>
public sealed record VmListing(VmSpec Spec, VmDirectory Directory, int? ProcessId, RunState? State);

/// <summary>
/// Starts and stops VMs for demo and test hosts. A VM runs in the background, outlives the launcher, and has all that is its own in
/// ${WATARI_RUN:-/run/watari}/HOST/vms/NAME.
/// </summary>
public sealed class VmLauncher
{
    /// <summary>What the guest image says on its console once it is up.</summary>
    public const string ReadyLine = "watari: guest ready";

    internal const string QemuPackages = "qemu-system-x86 qemu-utils";
    private static readonly TimeSpan s_startDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_quitDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_listDeadline = TimeSpan.FromSeconds(2);
    private readonly string _vms;

    /// <param name="host">Name of the host that the VMs belong to; several on one machine keep apart by it.</param>
    /// <param name="runDirectory">Instead of <see cref="WatariDirectories.Run"/>.</param>
    public VmLauncher(string host, string? runDirectory = null) => _vms = Path.Combine(Path.GetFullPath(runDirectory ?? WatariDirectories.Run), host, "vms");

    public VmDirectory DirectoryOf(string name) => new(Path.Combine(_vms, name));

    /// <summary>Starts a VM; done when QEMU runs and its sockets listen. The guest boots meanwhile: <see cref="WaitReadyAsync"/>.</summary>
    /// <exception cref="HypervisorException">A name that is taken, an image that is missing, a path too long, no QEMU, or a QEMU that would not start.</exception>
    public Task<VmDirectory> StartAsync(VmSpec spec, CancellationToken cancellation = default) => StartAsync(spec, null, cancellation);

    /// <summary>Starts a VM from a saved state under a new name; done when its guest runs where the saved one stood. Its wall clock stands there, too.</summary>
    /// <inheritdoc cref="StartAsync(VmSpec, CancellationToken)"/>
    public Task<VmDirectory> StartFromAsync(SavedState saved, string name, CancellationToken cancellation = default) =>
        StartAsync(saved.Spec with { Name = name }, saved, cancellation);

    /// <summary>Waits until a booting guest says on its console that it is up.</summary>
    /// <exception cref="HypervisorException">It ended before, or the deadline passed.</exception>
    public Task WaitReadyAsync(string name, TimeSpan deadline, CancellationToken cancellation = default) =>
        ConsoleLog.WaitForAsync(DirectoryOf(name), ReadyLine, deadline, cancellation);

    /// <summary>Ends a VM and removes all that was its own. A VM that has ended by itself is cleared away.</summary>
    /// <param name="name">Which.</param>
    /// <param name="powerdown">How long the guest may take to shut down by itself; not asked to when null.</param>
    /// <param name="cancellation">Gives up before the end; the VM may run on.</param>
    /// <exception cref="HypervisorException">There is no such VM.</exception>
    public async Task StopAsync(string name, TimeSpan? powerdown = null, CancellationToken cancellation = default)
    {
        VmDirectory vm = DirectoryOf(name);
        if (!Directory.Exists(vm.DirectoryPath)) throw new HypervisorException($"There is no VM {name} in {_vms}. See: watari vm ls");
        using (ProcessHandle? process = vm.OpenProcess())
        {
            if (process is not null) await EndAsync(vm, process, powerdown, cancellation);
        }
        Directory.Delete(vm.DirectoryPath, recursive: true);
    }

    /// <summary>All VMs of this host, by name; those that ended without being stopped are among them.</summary>
    public async Task<IReadOnlyList<VmListing>> ListAsync(CancellationToken cancellation = default)
    {
        if (!Directory.Exists(_vms)) return [];
        return await Task.WhenAll(Directory.EnumerateDirectories(_vms).Order(StringComparer.Ordinal)
            .Select(path => new VmDirectory(path))
            .Where(vm => vm.Name[0] != '.') // a claim being prepared
            .Select(vm => (Directory: vm, Spec: vm.ReadSpec()))
            .Where(vm => vm.Spec is not null)
            .Select(vm => ListAsync(vm.Spec!, vm.Directory, cancellation)));
    }

    private async Task<VmDirectory> StartAsync(VmSpec spec, SavedState? saved, CancellationToken cancellation)
    {
        spec.Check();
        var image = GuestImage.Open(spec.Image);
        spec = spec with { Image = image.Directory };
        VmDirectory vm = Claim(spec);
        try
        {
            if (saved is not null) saved.CopyDiskTo(vm.Disk);
            else await CreateOverlayAsync(image, vm.Disk, cancellation);
            await Tool.RunAsync(QemuCommandLine.Program, QemuCommandLine.Build(spec, image, vm, incoming: saved is not null), QemuPackages, s_startDeadline, cancellation);
            if (saved is not null) await saved.LoadAsync(vm, cancellation);
            else await CheckAliveAsync(vm, cancellation);
            return vm;
        }
        catch (Exception failure)
        {
            string log = VmDirectory.Tail(vm.QemuLog);
            await StopAsync(spec.Name, cancellation: CancellationToken.None);
            if (failure is not HypervisorException) throw;
            throw new HypervisorException($"VM {spec.Name} was not started: {failure.Message}{(log.Length > 0 ? $"\nQEMU's last words:\n{log}" : "")}", failure);
        }
    }

    /// <summary>Makes the VM's directory, which is the claim to its name: a rename onto a directory that exists fails.</summary>
    private VmDirectory Claim(VmSpec spec)
    {
        VmDirectory vm = DirectoryOf(spec.Name);
        if (!UnixSocket.PathFits(vm.ControlSocket) || !UnixSocket.PathFits(vm.ConsoleSocket))
            throw new HypervisorException($"The sockets of VM {spec.Name} would have paths of more than {UnixSocket.MaxPathLength} bytes ({vm.ControlSocket}): use a shorter name or run directory (WATARI_RUN).");
        Directory.CreateDirectory(_vms);
        var prepared = new VmDirectory(Path.Combine(_vms, $".{spec.Name}.{Guid.NewGuid():n}"));
        Directory.CreateDirectory(prepared.DirectoryPath);
        try
        {
            prepared.WriteSpec(spec);
            Directory.Move(prepared.DirectoryPath, vm.DirectoryPath);
            return vm;
        }
        catch (IOException) when (Directory.Exists(vm.DirectoryPath))
        {
            Directory.Delete(prepared.DirectoryPath, recursive: true);
            using ProcessHandle? running = vm.OpenProcess();
            throw new HypervisorException(running is null
                ? $"VM {spec.Name} was started before and has ended, or is being started: clear it away (watari vm stop {spec.Name}), or choose another name."
                : $"VM {spec.Name} runs already (process {running.Id}): stop it (watari vm stop {spec.Name}), or choose another name.");
        }
    }

    private static async Task CreateOverlayAsync(GuestImage image, string disk, CancellationToken cancellation) => await Tool.RunAsync(
        "qemu-img", ["create", "-q", "-f", "qcow2", "-F", "raw", "-b", image.Disk, disk], QemuPackages, s_startDeadline, cancellation);

    /// <summary>A QEMU may die just after it went to the background.</summary>
    private static async Task CheckAliveAsync(VmDirectory vm, CancellationToken cancellation)
    {
        await using QmpClient control = await QmpClient.ConnectAsync(vm.ControlSocket, cancellation: cancellation);
        await control.ExecuteAsync<StatusInfo>("query-status", cancellation: cancellation);
    }

    private static async Task EndAsync(VmDirectory vm, ProcessHandle process, TimeSpan? powerdown, CancellationToken cancellation)
    {
        if (powerdown is { } patience && await AskAsync(vm, "system_powerdown", cancellation) && await process.WaitForEndAsync(patience)) return;
        if (await AskAsync(vm, "quit", cancellation) && await process.WaitForEndAsync(s_quitDeadline)) return;
        process.Kill();
        if (!await process.WaitForEndAsync(s_quitDeadline))
            throw new HypervisorException($"The QEMU of VM {vm.Name} (process {process.Id}) does not end, not even killed: it hangs in the kernel. Its directory {vm.DirectoryPath} was left.");
    }

    /// <summary>False when nobody takes the command.</summary>
    private static async Task<bool> AskAsync(VmDirectory vm, string command, CancellationToken cancellation)
    {
        try
        {
            await using QmpClient control = await QmpClient.ConnectAsync(vm.ControlSocket, s_quitDeadline, cancellation);
            await control.ExecuteAsync(command, cancellation: cancellation);
            return true;
        }
        catch (QmpConnectionException)
        {
            return true; // QEMU may hang up before it answers "quit"
        }
        catch (HypervisorException)
        {
            return false;
        }
    }

    private static async Task<VmListing> ListAsync(VmSpec spec, VmDirectory vm, CancellationToken cancellation)
    {
        using ProcessHandle? process = vm.OpenProcess();
        if (process is null) return new VmListing(spec, vm, null, null);
        try
        {
            await using QmpClient control = await QmpClient.ConnectAsync(vm.ControlSocket, s_listDeadline, cancellation);
            StatusInfo status = await control.ExecuteAsync<StatusInfo>("query-status", cancellation: cancellation);
            return new VmListing(spec, vm, process.Id, RunStates.Parse(status.Status));
        }
        catch (HypervisorException)
        {
            return new VmListing(spec, vm, process.Id, null);
        }
    }
}
