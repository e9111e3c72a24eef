using System.Diagnostics;
using Watari.GrainInterfaces.Model;
using Watari.Hypervisor.Tests;
using Watari.Silo.Engine;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Tests.Engine.Inventory;

/// <summary>Disks that mke2fs(8) and qemu-img(1) make, of VMs that are off, or whose QEMU never starts the guest.</summary>
public sealed class VmLooksTests : IAsyncDisposable
{
    private const string Id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    private readonly TemporaryDirectory _run = new();
    private readonly EngineThreads _threads = new(2);
    private readonly OpenVms _vms;
    private readonly VmLooks _looks;

    public VmLooksTests()
    {
        _vms = new OpenVms(_run.Path);
        _looks = new VmLooks("host-a", _vms, _threads, new LookGate(_threads, 1));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _threads.Dispose();
        await _vms.DisposeAsync();
        _run.Dispose();
    }

    [Fact]
    public async Task The_containers_of_a_VM_that_is_off_are_known_from_its_disk_and_none_of_them_runs()
    {
        await MakeDiskAsync("alpha", "disk.qcow2", "qcow2");

        Listing<ContainerDescription> listed = await _looks.TakeAsync("alpha", look => ContainerList.Describe(look, withSizes: false), Cancellation);

        ContainerDescription web = Assert.Single(listed.Items);
        Assert.Equal((Id, "web", ContainerStatus.Stopped, 0), (web.Id, web.Name, web.Status, web.InitPid));
        Assert.Equal("its record says running, and nothing runs in its VM", web.Contradiction);
        Assert.StartsWith("host-a/alpha: it is off", Assert.Single(listed.Problems), StringComparison.Ordinal);
        Assert.Equal(["alpha"], _vms.Names);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_run.Path, "alpha"), "*.sock"));
        EngineException off = await Assert.ThrowsAsync<EngineException>(() => _vms.LeaseAsync("alpha", Cancellation));
        Assert.Equal((FailureKind.VmLost, "VM 'alpha' is off: no QEMU runs it."), (off.Kind, off.Message));
    }

    [Fact]
    public async Task A_disk_that_is_none_is_told()
    {
        Directory.CreateDirectory(Path.Combine(_run.Path, "alpha"));
        await File.WriteAllTextAsync(Path.Combine(_run.Path, "alpha", "disk.qcow2"), "no disk", Cancellation);

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => _looks.OpenAsync("alpha", Cancellation));

        Assert.Contains("qemu-nbd cannot serve", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(_run.Path, "alpha"), "*.sock"));
    }

    [Fact]
    public async Task A_guest_without_a_kernel_that_can_be_read_shows_what_is_on_its_disk_and_several_look_at_once()
    {
        string disk = await MakeDiskAsync("disks", "data.raw", "raw");
        await using RealQemu qemu = await RealQemu.StartAsync(
            "-name", "small", "-m", "64", "-object", "memory-backend-memfd,id=ram,size=64M,share=on", "-machine", "q35,memory-backend=ram", "-drive", $"if=virtio,format=raw,file={disk}");
        await using var vms = new OpenVms(Path.GetDirectoryName(qemu.DirectoryPath)!);
        var looks = new VmLooks("host-a", vms, _threads, new LookGate(_threads, 1));
        string name = Path.GetFileName(qemu.DirectoryPath);

        await using (VmLook first = await looks.OpenAsync(name, Cancellation))
        await using (VmLook second = await looks.OpenAsync(name, Cancellation))
        {
            foreach (VmLook look in (VmLook[])[first, second])
            {
                Listing<ContainerDescription> listed = await _threads.RunAsync(() => ContainerList.Describe(look, withSizes: false), Cancellation);
                ContainerDescription web = Assert.Single(listed.Items);
                Assert.Equal(("web", ContainerStatus.Running), (web.Name, web.Status));
                Assert.Contains("only its disk can be read, as of its last commit", Assert.Single(listed.Problems), StringComparison.Ordinal);
            }
        }

        Assert.True(File.Exists(Path.Combine(qemu.DirectoryPath, "disks.sock"))); // kept for the next look
        await vms.DisposeAsync();
        Assert.False(File.Exists(Path.Combine(qemu.DirectoryPath, "disks.sock")));
    }

    [Fact]
    public async Task A_guest_of_which_neither_kernel_nor_disk_can_be_read_is_an_error()
    {
        await using RealQemu qemu = await RealQemu.StartSmallInAsync(Path.Combine(_run.Path, "alpha"));

        EngineException lost = await Assert.ThrowsAsync<EngineException>(() => _looks.OpenAsync("alpha", Cancellation));

        Assert.Contains("The kernel of VM 'alpha' cannot be read", lost.Message, StringComparison.Ordinal);
    }

    /// <summary>A disk with a root and a container of Docker that was running; where it lies.</summary>
    private async Task<string> MakeDiskAsync(string vm, string file, string format)
    {
        string directory = Path.Combine(_run.Path, vm), root = Path.Combine(_run.Path, ".root"), raw = Path.Combine(_run.Path, ".raw");
        Directory.CreateDirectory(directory);
        Directory.CreateDirectory(Path.Combine(root, "etc"));
        await File.WriteAllTextAsync(Path.Combine(root, "etc", "passwd"), "root", Cancellation);
        string container = Path.Combine(root, "var/lib/docker/containers", Id);
        Directory.CreateDirectory(container);
        await File.WriteAllTextAsync(
            Path.Combine(container, "config.v2.json"), """{"Name":"/web","State":{"Running":true,"Pid":42,"StartedAt":"2026-01-01T00:00:00Z"},"Created":"2026-01-01T00:00:00Z"}""", Cancellation);
        await using (FileStream made = File.Create(raw)) made.SetLength(8 << 20);
        await RunAsync("mke2fs", "-q", "-F", "-t", "ext4", "-d", root, raw);
        await RunAsync("qemu-img", "convert", "-f", "raw", "-O", format, raw, Path.Combine(directory, file));
        return Path.Combine(directory, file);
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        string errors = await process.StandardError.ReadToEndAsync(Cancellation);
        await process.WaitForExitAsync(Cancellation);
        Assert.True(process.ExitCode == 0, errors);
    }
}
