using Watari.GrainInterfaces.Model;
using Watari.Hypervisor.Tests;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Tests.Engine.Vms;

public sealed class GuestVmTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_end_of_its_QEMU_stops_what_is_done_with_a_guest_and_says_why()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VmLease lease = await GuestVm.AttachAsync("alpha", qemu.DirectoryPath, Cancellation);
        GuestLife life = lease.Vm.Life;
        var stopped = new TaskCompletionSource();
        await using CancellationTokenRegistration stop = life.Ended.Register(stopped.SetResult);
        life.ThrowIfEnded();

        qemu.Signal("KILL");
        await stopped.Task.WaitAsync(Cancellation);

        EngineException why = Assert.Throws<EngineException>(() => life.ThrowIfEnded());
        Assert.Equal((FailureKind.VmLost, "VM 'alpha' is gone: its QEMU ended."), (why.Kind, why.Message));
        Assert.Throws<EngineException>(lease.Vm.Kernel);
        Assert.Equal(VmStatus.Unreachable, await lease.Vm.StatusAsync(Cancellation));
    }

    [Fact]
    public async Task A_probe_that_finds_the_monitor_gone_has_heard_the_guests_end()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VmLease lease = await GuestVm.AttachAsync("alpha", qemu.DirectoryPath, Cancellation);
        await lease.Vm.ProbeAsync();
        Assert.Null(lease.Vm.Life.Fate);

        await lease.Vm.Machine.Qmp.ExecuteAsync("quit", cancellation: Cancellation);
        await lease.Vm.Gone;
        await lease.Vm.ProbeAsync();

        Assert.Equal(VmStatus.Shutdown, lease.Vm.Life.Fate);
    }

    [Fact]
    public async Task A_reset_ends_one_life_of_the_guest_and_begins_another()
    {
        await using RealQemu qemu = await RealQemu.StartSmallAsync();
        await using VmLease lease = await GuestVm.AttachAsync("alpha", qemu.DirectoryPath, Cancellation);
        GuestLife first = lease.Vm.Life;
        var stopped = new TaskCompletionSource();
        await using CancellationTokenRegistration stop = first.Ended.Register(stopped.SetResult);

        await lease.Vm.Machine.Qmp.ExecuteAsync("system_reset", cancellation: Cancellation);
        await stopped.Task.WaitAsync(Cancellation);

        Assert.Contains("was reset", Assert.Throws<EngineException>(() => first.ThrowIfEnded()).Message, StringComparison.Ordinal);
        Assert.NotSame(first, lease.Vm.Life);
        lease.Vm.Life.ThrowIfEnded();
        Assert.Null(lease.Vm.Fate);
    }
}
