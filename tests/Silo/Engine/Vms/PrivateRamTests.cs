using Watari.GrainInterfaces.Model;
using Watari.Hypervisor;
using Watari.Hypervisor.Tests;
using Watari.Silo.Engine.Vms;
using GuestPhysicalAddress = Watari.Introspection.Memory.GuestPhysicalAddress;

namespace Watari.Silo.Tests.Engine.Vms;

/// <summary>VMs that Watari did not start: QEMU keeps their RAM to itself, and their monitor lies elsewhere.</summary>
public sealed class PrivateRamTests : IAsyncDisposable
{
    private static readonly GuestPhysicalAddress s_address = new(0x5008);

    private readonly TemporaryDirectory _run = new();
    private readonly OpenVms _vms;

    public PrivateRamTests() => _vms = new OpenVms(_run.Path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _vms.DisposeAsync();
        _run.Dispose();
    }

    [Fact]
    public async Task A_VM_is_adopted_by_a_link_to_its_monitor_and_its_RAM_is_read_in_its_process()
    {
        await using RealQemu qemu = await AdoptAsync("alpha");
        await using VmLease lease = await _vms.LeaseAsync("alpha", Cancellation);

        Assert.Equal(["alpha"], _vms.Names);
        Assert.Equal(RamAccess.ProcessMemory, lease.Vm.Machine.Ram.Access);
        Assert.Equal(0x1122334455667788UL, lease.Vm.Memory.Read<ulong>(s_address));
    }

    [Fact]
    public async Task What_the_guest_writes_is_seen_from_the_next_look_on_and_what_we_write_at_once()
    {
        await using RealQemu qemu = await AdoptAsync("alpha");
        await using VmLease lease = await _vms.LeaseAsync("alpha", Cancellation);
        GuestVm vm = lease.Vm;
        RamRegion behindOurBack = vm.Machine.Ram.Regions[0];
        Assert.Equal(0x1122334455667788UL, vm.Memory.Read<ulong>(s_address));

        behindOurBack.Write(new(s_address.Value), BitConverter.GetBytes(7UL));
        Assert.Equal(0x1122334455667788UL, vm.Memory.Read<ulong>(s_address));
        vm.Memory.Refresh();
        Assert.Equal(7UL, vm.Memory.Read<ulong>(s_address));

        vm.Writer.Write(s_address, 8UL);
        byte[] there = new byte[8];
        behindOurBack.Read(new(s_address.Value), there);
        Assert.Equal((8UL, 8UL), (vm.Memory.Read<ulong>(s_address), BitConverter.ToUInt64(there)));
    }

    [Fact]
    public async Task The_end_of_its_QEMU_in_the_middle_of_a_look_is_an_error_and_no_crash()
    {
        await using RealQemu qemu = await AdoptAsync("alpha");
        await using VmLease lease = await _vms.LeaseAsync("alpha", Cancellation);
        GuestVm vm = lease.Vm;
        using var reading = new CountdownEvent(3);
        Task<GuestRamLostException>[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => Assert.Throws<GuestRamLostException>(ReadOn)))];
        reading.Wait(Cancellation);

        qemu.Signal("KILL");

        foreach (GuestRamLostException lost in await Task.WhenAll(readers)) Assert.Contains("has ended", lost.Message, StringComparison.Ordinal);
        await vm.Gone;
        Assert.Throws<GuestRamLostException>(() => vm.Writer.Write(s_address, 1));

        void ReadOn()
        {
            vm.Memory.Read<ulong>(s_address);
            reading.Signal();
            byte[] much = new byte[64 << 10];
            while (true)
            {
                vm.Memory.Refresh();
                for (ulong page = 0; page < 256; page++) vm.Memory.Read<ulong>(new(page << 12));
                vm.Memory.Copy(new(0x100000), much);
            }
        }
    }

    [Fact]
    public async Task Memory_that_looks_took_is_given_back_with_the_last_lease_and_not_before()
    {
        await using RealQemu qemu = await AdoptAsync("alpha", memory: 128);
        VmLease first = await _vms.LeaseAsync("alpha", Cancellation);
        VmLease second = await _vms.LeaseAsync("alpha", Cancellation);
        GuestVm vm = first.Vm;
        RamShadow shadow = vm.Memory.Segments[0].Shadow!;
        for (ulong page = 0; page < (100 << 20) >> 12; page++) vm.Memory.Read<ulong>(new(page << 12));
        Assert.Equal(100 << 20, shadow.Held);

        await second.DisposeAsync();
        Assert.Equal(100 << 20, shadow.Held);
        await first.DisposeAsync();
        Assert.Equal(0, shadow.Held);

        await using VmLease third = await _vms.LeaseAsync("alpha", Cancellation);
        Assert.Equal(0x1122334455667788UL, third.Vm.Memory.Read<ulong>(s_address));
    }

    [Fact]
    public async Task A_monitor_that_another_client_holds_is_told_as_such()
    {
        await using RealQemu qemu = await AdoptAsync("alpha");
        await using QmpClient other = await QmpClient.ConnectAsync(qemu.SocketPath, cancellation: Cancellation);

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => _vms.LeaseAsync("alpha", Cancellation));

        Assert.Equal(FailureKind.VmLost, refusal.Kind);
        Assert.Contains("another client holds this monitor", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("add a second -qmp socket", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A QEMU that was started by somebody else, with nothing said of its RAM but its size.</summary>
    private async Task<RealQemu> AdoptAsync(string name, int memory = 64)
    {
        RealQemu qemu = await RealQemu.StartAsync(
            "-m", $"{memory}", "-machine", "q35", "-device", $"loader,addr=0x{s_address.Value:x},data=0x1122334455667788,data-len=8");
        string directory = Directory.CreateDirectory(Path.Combine(_run.Path, name)).FullName;
        File.CreateSymbolicLink(Path.Combine(directory, "qmp.sock"), qemu.SocketPath);
        return qemu;
    }
}
