using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Watari.Hypervisor.Tests;

/// <summary>Disks of a real QEMU, exported by it, and read by a program of QEMU's that we did not write.</summary>
public sealed class DiskExportTests
{
    private const long Size = 3 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_disks_of_a_VM_are_named_and_can_be_read_while_the_export_lives()
    {
        using var directory = new TemporaryDirectory();
        await using RealQemu qemu = await StartAsync(directory.Path);
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        string socket = Path.Combine(directory.Path, "disks.sock");

        await using (DiskExport export = await DiskExport.StartAsync(qmp, socket, Cancellation))
        {
            VmDisk[] disks = [.. export.Disks.OrderBy(disk => disk.NodeName, StringComparer.Ordinal)];
            Assert.StartsWith("#block", disks[0].NodeName, StringComparison.Ordinal);
            Assert.Equal("system", disks[1].NodeName);
            Assert.Equal(["raw", "qcow2"], disks.Select(disk => disk.Format));
            Assert.All(export.Disks, disk => Assert.Equal(Size, disk.Length));
            foreach (VmDisk disk in export.Disks) Assert.Equal(Size, await SizeOfAsync(socket, disk.NodeName));
        }

        Assert.False(File.Exists(socket));
        Assert.Empty((await qmp.ExecuteAsync<JsonElement>("query-block-exports", cancellation: Cancellation)).EnumerateArray());
        await using DiskExport again = await DiskExport.StartAsync(qmp, socket, Cancellation);
    }

    [Fact]
    public async Task What_a_process_that_died_left_is_ended_and_what_belongs_to_another_is_not()
    {
        using var directory = new TemporaryDirectory();
        await using RealQemu qemu = await StartAsync(directory.Path);
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        string socket = Path.Combine(directory.Path, "disks.sock");

        using var gone = Process.Start("true");
        await gone.WaitForExitAsync(Cancellation);
        await ExportAsAsync($"watari-{gone.Id}-system");
        await using (DiskExport export = await DiskExport.StartAsync(qmp, socket, Cancellation)) Assert.Equal(2, export.Disks.Count);

        await ExportAsAsync("backup");
        HypervisorException refused = await Assert.ThrowsAsync<HypervisorException>(() => DiskExport.StartAsync(qmp, socket, Cancellation));
        Assert.Contains("already running", refused.Message, StringComparison.Ordinal);
        Assert.Equal("backup", Assert.Single((await qmp.ExecuteAsync<JsonElement>("query-block-exports", cancellation: Cancellation)).EnumerateArray()).GetProperty("id").GetString());

        async Task ExportAsAsync(string id)
        {
            await qmp.ExecuteAsync("nbd-server-start", new JsonObject
            {
                ["addr"] = new JsonObject { ["type"] = "unix", ["data"] = new JsonObject { ["path"] = Path.Combine(directory.Path, "other.sock") } },
            }, cancellation: Cancellation);
            await qmp.ExecuteAsync("block-export-add", new JsonObject { ["type"] = "nbd", ["id"] = id, ["node-name"] = "system" }, cancellation: Cancellation);
        }
    }

    [Fact]
    public async Task A_VM_that_dies_under_its_export_is_no_error()
    {
        using var directory = new TemporaryDirectory();
        await using RealQemu qemu = await StartAsync(directory.Path);
        await using QmpClient qmp = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        string socket = Path.Combine(directory.Path, "disks.sock");
        await using DiskExport export = await DiskExport.StartAsync(qmp, socket, Cancellation);

        qemu.Signal("KILL");
        await qmp.Disconnected.WaitAsync(Cancellation);

        await export.DisposeAsync();
        Assert.False(File.Exists(socket));
    }

    [Fact]
    public async Task What_was_exported_before_the_monitor_was_lost_gives_way_to_the_next_export()
    {
        using var directory = new TemporaryDirectory();
        await using RealQemu qemu = await StartAsync(directory.Path);
        string socket = Path.Combine(directory.Path, "disks.sock");
        QmpClient first = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        DiskExport lost = await DiskExport.StartAsync(first, socket, Cancellation);
        await first.DisposeAsync();
        await lost.DisposeAsync();

        await using QmpClient second = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);
        await using DiskExport again = await DiskExport.StartAsync(second, socket, Cancellation);

        foreach (VmDisk disk in again.Disks) Assert.Equal(Size, await SizeOfAsync(socket, disk.NodeName));
        // One that lives is nobody's to end, not even its own process's.
        await Assert.ThrowsAsync<HypervisorException>(() => DiskExport.StartAsync(second, Path.Combine(directory.Path, "more.sock"), Cancellation));
    }

    /// <summary>A VM with two disks, one of a node with a name, and one of the old kind; and a drive with nothing in it.</summary>
    private static async Task<RealQemu> StartAsync(string directory)
    {
        string system = Path.Combine(directory, "system.qcow2"), data = Path.Combine(directory, "data.raw");
        await RunAsync("qemu-img", "create", "-q", "-f", "qcow2", system, $"{Size}");
        await RunAsync("qemu-img", "create", "-q", "-f", "raw", data, $"{Size}");
        return await RealQemu.StartAsync("-name", "disks", "-m", "64", "-machine", "q35",
            "-blockdev", $"driver=file,node-name=system-file,filename={system}", "-blockdev", "driver=qcow2,node-name=system,file=system-file", "-device", "virtio-blk-pci,drive=system",
            "-drive", $"if=virtio,format=raw,file={data}", "-device", "ide-cd");
    }

    private static async Task<long> SizeOfAsync(string socket, string export) =>
        JsonElement.Parse(await RunAsync("qemu-img", "info", "--output=json", $"nbd+unix:///{Uri.EscapeDataString(export)}?socket={socket}")).GetProperty("virtual-size").GetInt64();

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(Cancellation);
        string output = await process.StandardOutput.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }
}
