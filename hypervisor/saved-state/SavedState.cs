using System.Text.Json;

namespace Watari.Hypervisor;

/// <summary>
/// A VM as it stood: device state (QEMU's migration stream without RAM), RAM and disk overlay, in one directory.
/// Any number of VMs can be started from it (<see cref="VmLauncher.StartFromAsync"/>).
/// </summary>
public sealed class SavedState
{
    private const string DeviceState = "device-state", Ram = "ram", Disk = "disk.qcow2", Record = "saved-state.json";
    private static readonly TimeSpan s_migration = TimeSpan.FromSeconds(30);

    private SavedState(string directory, VmSpec spec)
    {
        DirectoryPath = directory;
        Spec = spec;
    }

    public string DirectoryPath { get; }

    /// <summary>What was saved; a VM from it is like it but for its name.</summary>
    public VmSpec Spec { get; }

    /// <exception cref="HypervisorException">There is none in the directory.</exception>
    public static SavedState Open(string directory) => TryOpen(directory)
        ?? throw new HypervisorException($"There is no saved state in {directory}: save one first.");

    /// <summary>Null when there is none.</summary>
    public static SavedState? TryOpen(string directory)
    {
        string record = Path.Combine(directory, Record);
        if (!File.Exists(record)) return null;
        VmSpec? spec = JsonSerializer.Deserialize(File.ReadAllBytes(record), LaunchJson.Default.VmSpec);
        return spec is null ? null : new SavedState(directory, spec);
    }

    /// <summary>
    /// Saves a VM of ours into a new directory, which appears only when it is whole. The VM stands still afterwards (<see cref="RunState.PostMigrate"/>):
    /// stop it, or let it go on with <c>cont</c>.
    /// </summary>
    /// <exception cref="HypervisorException">The directory exists, or QEMU could not save.</exception>
    public static async Task<SavedState> SaveAsync(VmDirectory vm, string directory, CancellationToken cancellation = default)
    {
        directory = Path.GetFullPath(directory);
        if (Path.Exists(directory)) throw new HypervisorException($"{directory} exists already: save to another directory, or remove it.");
        VmSpec spec = vm.ReadSpec() ?? throw new HypervisorException($"There is no VM in {vm.DirectoryPath}.");
        if (spec.PrivateRam) throw new HypervisorException($"VM {spec.Name} keeps its RAM to its QEMU, and only a VM with shared RAM can be saved.");
        string unfinished = $"{directory}.{Guid.NewGuid():n}";
        Directory.CreateDirectory(unfinished);
        try
        {
            await using (VirtualMachine machine = await VirtualMachine.AttachAsync(vm.ControlSocket, spec.Name, cancellation: cancellation))
            {
                await machine.PauseAsync(cancellation);
                await MigrateAsync(machine.Qmp, "migrate", $"exec:cat > {Quote(Path.Combine(unfinished, DeviceState))}", cancellation);
                RamFile.Save(machine.Ram, Path.Combine(unfinished, Ram));
            }
            File.Copy(vm.Disk, Path.Combine(unfinished, Disk)); // reflinked where the file system can
            await File.WriteAllBytesAsync(Path.Combine(unfinished, Record), JsonSerializer.SerializeToUtf8Bytes(spec, LaunchJson.Default.VmSpec), cancellation);
            Directory.Move(unfinished, directory);
            return new SavedState(directory, spec);
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }

    /// <summary>The same, for VMs whose RAM is their QEMU's own (<see cref="VmSpec.PrivateRam"/>).</summary>
    public SavedState WithPrivateRam() => new(DirectoryPath, Spec with { PrivateRam = true });

    /// <summary>Removes it, if nobody else has. Its record goes first: half a state is none.</summary>
    internal void Delete()
    {
        try
        {
            File.Delete(Path.Combine(DirectoryPath, Record));
            Directory.Delete(DirectoryPath, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // by another process
        }
    }

    internal void CopyDiskTo(string disk) => File.Copy(Path.Combine(DirectoryPath, Disk), disk);

    /// <summary>Fills a VM that was started with -incoming, and lets it run.</summary>
    internal async Task LoadAsync(VmDirectory vm, CancellationToken cancellation)
    {
        await using QmpClient control = await QmpClient.ConnectAsync(vm.ControlSocket, cancellation: cancellation);
        using (GuestRam ram = await GuestRam.MapAsync(control, cancellation)) RamFile.Load(ram, Path.Combine(DirectoryPath, Ram));
        await MigrateAsync(control, "migrate-incoming", $"exec:cat {Quote(Path.Combine(DirectoryPath, DeviceState))}", cancellation);
        using QmpEventWait resumed = control.ExpectEvent("RESUME");
        await control.ExecuteAsync("cont", cancellation: cancellation);
        await resumed.Task;
    }

    /// <summary>
    /// One migration, out or in, without the RAM, which is shared (x-ignore-shared) or, on the way in, has been written before: both ends must have the same capabilities.
    /// The end is told by an event; query-migrate says "completed" while QEMU is still at work.
    /// </summary>
    private static async Task MigrateAsync(QmpClient qmp, string command, string uri, CancellationToken cancellation)
    {
        await qmp.SetMigrationCapabilityAsync("x-ignore-shared", cancellation);
        await qmp.SetMigrationCapabilityAsync("events", cancellation);
        using QmpEventWait ended = qmp.ExpectEvent("MIGRATION", happened => StatusOf(happened) is "completed" or "failed", s_migration);
        await qmp.ExecuteAsync(command, new MigrateUri(uri), cancellation: cancellation);
        if (StatusOf(await ended.Task.WaitAsync(cancellation)) == "completed") return;
        MigrationInfo info = await qmp.ExecuteAsync<MigrationInfo>("query-migrate", cancellation: cancellation);
        throw new HypervisorException($"QEMU could not {(command == "migrate" ? "save" : "load")} the state{(info.ErrorDescription is { } why ? $": {why}" : "")}.");
    }

    private static string? StatusOf(QmpEvent migration) => migration.Data?.GetProperty("status").GetString();

    /// <summary>For the shell that QEMU starts.</summary>
    private static string Quote(string path) => $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
