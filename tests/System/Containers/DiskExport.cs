using System.Text.Json.Nodes;
using Watari.Disk.Images;
using Watari.Hypervisor;

namespace Watari.SystemTests.Containers;

/// <summary>The disk of a running VM, as its QEMU gives it out over NBD.</summary>
internal sealed class DiskExport : IAsyncDisposable
{
    private const string Node = "disk"; // of the VMs that Watari starts

    private readonly VirtualMachine _vm;
    private readonly DirectoryInfo _folder;

    private DiskExport(VirtualMachine vm, DirectoryInfo folder, NbdDiskImage image)
    {
        _vm = vm;
        _folder = folder;
        Image = image;
    }

    public NbdDiskImage Image { get; }

    public static async Task<DiskExport> StartAsync(VirtualMachine vm)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("watari-");
        string socket = Path.Combine(folder.FullName, "nbd.sock");
        await vm.Qmp.ExecuteAsync("nbd-server-start", new JsonObject { ["addr"] = new JsonObject { ["type"] = "unix", ["data"] = new JsonObject { ["path"] = socket } } });
        await vm.Qmp.ExecuteAsync("block-export-add", new JsonObject { ["type"] = "nbd", ["id"] = Node, ["node-name"] = Node, ["name"] = Node });
        return new DiskExport(vm, folder, NbdDiskImage.Connect(socket, Node));
    }

    public async ValueTask DisposeAsync()
    {
        Image.Dispose();
        if (!_vm.Qmp.Disconnected.IsCompleted) await _vm.Qmp.ExecuteAsync("nbd-server-stop");
        _folder.Delete(recursive: true);
    }
}
