using System.Collections.Concurrent;
using System.Globalization;

namespace Watari.Hypervisor;

/// <summary>
/// All disks of a running VM, to be read while this lives: QEMU's own server of the network block device protocol on a unix socket, which reads
/// any format and sees what the guest has written last. Each disk's export has the name of its node. A QEMU has one such server: where
/// another client has started it, there is none for us.
/// <code>
/// await using DiskExport export = await DiskExport.StartAsync(vm.Qmp, socketPath);
/// using NbdDiskImage disk = NbdDiskImage.Connect(export.SocketPath, export.Disks[0].NodeName);
/// </code>
/// </summary>
public sealed class DiskExport : IAsyncDisposable
{
    private const string IdPrefix = "watari-";

    /// <summary>Numbers of those of this process that have not been ended.</summary>
    private static readonly ConcurrentDictionary<int, bool> s_alive = new();
    private static int s_count;

    private readonly QmpClient _qmp;
    private readonly int _number = Interlocked.Increment(ref s_count);
    private bool _ended;

    private DiskExport(QmpClient qmp, string socketPath, IReadOnlyList<VmDisk> disks)
    {
        _qmp = qmp;
        SocketPath = socketPath;
        Disks = disks;
        s_alive[_number] = true;
    }

    /// <summary>Of the server.</summary>
    public string SocketPath { get; }

    /// <summary>Those that are exported: all that have a medium, in QEMU's order.</summary>
    public IReadOnlyList<VmDisk> Disks { get; }

    /// <summary>A VM's disks; drives without a medium are left out. Changes nothing.</summary>
    /// <exception cref="HypervisorException"/>
    public static async Task<IReadOnlyList<VmDisk>> ListDisksAsync(QmpClient qmp, CancellationToken cancellation = default)
    {
        BlockInfo[] blocks = await qmp.ExecuteAsync<BlockInfo[]>("query-block", cancellation: cancellation);
        return
        [
            .. from block in blocks
               where block.Inserted?.NodeName is not null
               let inserted = block.Inserted
               select new VmDisk(block.Qdev ?? block.Device, inserted.NodeName!, inserted.Drv, inserted.File, inserted.Image.VirtualSize),
        ];
    }

    /// <summary>
    /// Has QEMU export the disks, for reading. What is left of an earlier export of ours is ended first: of a process that died, or of one whose
    /// monitor was lost.
    /// </summary>
    /// <param name="qmp">The VM's monitor; must live as long as the export.</param>
    /// <param name="socketPath">Where the server shall listen; QEMU must be able to make it.</param>
    /// <param name="cancellation">Gives up; what was begun is undone.</param>
    /// <exception cref="HypervisorException">QEMU cannot, or its server belongs to another.</exception>
    public static async Task<DiskExport> StartAsync(QmpClient qmp, string socketPath, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(qmp);
        ArgumentNullException.ThrowIfNull(socketPath);
        if (!UnixSocket.PathFits(socketPath)) throw new HypervisorException($"The socket path {socketPath} is longer than {UnixSocket.MaxPathLength} bytes: use a shorter directory.");
        await EndAbandonedAsync(qmp, cancellation);
        IReadOnlyList<VmDisk> disks = await ListDisksAsync(qmp, cancellation);
        await StartServerAsync(qmp, socketPath, cancellation);
        var export = new DiskExport(qmp, socketPath, disks);
        try
        {
            foreach (VmDisk disk in disks)
                await qmp.ExecuteAsync("block-export-add", new BlockExportAdd("nbd", export.IdOf(disk), disk.NodeName, disk.NodeName, Writable: false), cancellation: cancellation);
            return export;
        }
        catch
        {
            await export.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the server and its exports, also under readers. A VM that is gone is no error.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, true)) return;
        s_alive.TryRemove(_number, out _);
        try
        {
            await _qmp.ExecuteAsync("nbd-server-stop");
        }
        catch (HypervisorException failure) when (failure is QmpConnectionException or QmpException)
        {
            // The VM is gone, or somebody has ended the server before.
        }

        File.Delete(SocketPath); // QEMU leaves it where it dies
    }

    private static async Task StartServerAsync(QmpClient qmp, string socketPath, CancellationToken cancellation)
    {
        File.Delete(socketPath);
        try
        {
            await qmp.ExecuteAsync("nbd-server-start", new NbdServerStart(new NbdServerAddress("unix", new NbdSocketPath(socketPath))), cancellation: cancellation);
        }
        catch (QmpException refused)
        {
            throw new HypervisorException($"The disks of the VM at {qmp.SocketPath} cannot be exported at {socketPath}: {refused.Description}. If another program uses QEMU's NBD server, a backup say, wait until it has ended.", refused);
        }
    }

    /// <summary>An export whose id names a process that is no more was left by it, or one of this process that it has given up. One server serves all: where an export is another's, it stays.</summary>
    private static async Task EndAbandonedAsync(QmpClient qmp, CancellationToken cancellation)
    {
        BlockExportInfo[] exports = await qmp.ExecuteAsync<BlockExportInfo[]>("query-block-exports", cancellation: cancellation);
        if (exports.Length > 0 && exports.All(export => IsAbandoned(export.Id))) await qmp.ExecuteAsync("nbd-server-stop", cancellation: cancellation);
    }

    private string IdOf(VmDisk disk) => string.Create(CultureInfo.InvariantCulture, $"{IdPrefix}{Environment.ProcessId}-{_number}-{disk.NodeName.TrimStart('#')}");

    private static bool IsAbandoned(string id)
    {
        if (!id.StartsWith(IdPrefix, StringComparison.Ordinal)) return false;
        string[] parts = id[IdPrefix.Length..].Split('-');
        if (!int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process)) return false;
        if (process == Environment.ProcessId)
            return parts.Length > 1 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) && !s_alive.ContainsKey(number);
        using ProcessHandle? owner = ProcessHandle.TryOpen(process);
        return owner is null;
    }
}
