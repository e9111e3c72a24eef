using Watari.GrainInterfaces.Model;
using Watari.Hypervisor;
using Watari.Hypervisor.Tests;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Tests.Engine.Vms;

public sealed class OpenVmsTests : IAsyncDisposable
{
    private static readonly Introspection.Memory.GuestPhysicalAddress s_address = new(0x5000);

    private readonly TemporaryDirectory _run = new();
    private readonly OpenVms _vms;

    public OpenVmsTests() => _vms = new OpenVms(_run.Path);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _vms.DisposeAsync();
        _run.Dispose();
    }

    [Fact]
    public async Task Memory_can_be_read_for_as_long_as_a_lease_lasts_whatever_becomes_of_the_VM()
    {
        RealQemu qemu = await StartAsync("alpha");
        VmLease reader = await _vms.LeaseAsync("alpha", Cancellation);
        GuestVm vm = reader.Vm;
        vm.Writer.Write(s_address, 42);

        await qemu.DisposeAsync();
        await vm.Gone;
        EngineException gone = await Assert.ThrowsAsync<EngineException>(() => _vms.LeaseAsync("alpha", Cancellation));

        Assert.Equal(FailureKind.NotFound, gone.Kind);
        Assert.Equal(VmStatus.Unreachable, vm.Fate);
        Assert.Equal(42, vm.Memory.Read<int>(s_address));
        await reader.DisposeAsync();
        await EventuallyAsync(() => !IsMapped(vm)); // whoever attached lets go when it hears of the end
    }

    [Fact]
    public async Task The_memory_of_a_VM_that_has_ended_is_let_go_though_nobody_asks_for_it_any_more()
    {
        RealQemu qemu = await StartAsync("alpha");
        GuestVm vm;
        await using (VmLease lease = await _vms.LeaseAsync("alpha", Cancellation)) vm = lease.Vm;
        Assert.True(IsMapped(vm));

        await qemu.DisposeAsync();

        await EventuallyAsync(() => !IsMapped(vm));
        Assert.Null(vm.TryLease());
    }

    [Fact]
    public async Task A_VM_that_took_the_place_of_another_is_attached_to_beside_the_readers_of_the_first()
    {
        RealQemu first = await StartAsync("alpha");
        await using VmLease before = await _vms.LeaseAsync("alpha", Cancellation);
        before.Vm.Writer.Write(s_address, 1);
        await first.DisposeAsync();
        await before.Vm.Gone;

        await using RealQemu second = await StartAsync("alpha");
        await using VmLease after = await _vms.LeaseAsync("alpha", Cancellation);
        after.Vm.Writer.Write(s_address, 2);

        Assert.NotSame(before.Vm, after.Vm);
        Assert.Null(after.Vm.Fate);
        Assert.Equal((1, 2), (before.Vm.Memory.Read<int>(s_address), after.Vm.Memory.Read<int>(s_address)));
    }

    [Fact]
    public async Task Leases_of_one_VM_share_it_and_it_stays_attached_between_them()
    {
        await using RealQemu qemu = await StartAsync("alpha");
        VmLease[] leases = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _vms.LeaseAsync("alpha", Cancellation)));
        GuestVm vm = leases[0].Vm;

        Assert.All(leases, lease => Assert.Same(vm, lease.Vm));
        foreach (VmLease lease in leases)
        {
            await lease.DisposeAsync();
            await lease.DisposeAsync(); // ends it once only
        }

        await using VmLease again = await _vms.LeaseAsync("alpha", Cancellation);
        Assert.Same(vm, again.Vm);
        Assert.Throws<ObjectDisposedException>(() => leases[0].Vm);
    }

    [Fact]
    public async Task Readers_end_in_peace_when_their_VM_is_killed_under_them()
    {
        for (int round = 0; round < 5; round++)
        {
            RealQemu qemu = await StartAsync("alpha");
            using var reading = new CountdownEvent(4);
            Task[] readers = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(() => ReadUntilGoneAsync(reading)))];
            reading.Wait(Cancellation);

            await qemu.DisposeAsync();

            await Task.WhenAll(readers);
        }

        async Task ReadUntilGoneAsync(CountdownEvent reading)
        {
            await using VmLease lease = await _vms.LeaseAsync("alpha", Cancellation);
            lease.Vm.Memory.Read<ulong>(default);
            reading.Signal();
            while (!lease.Vm.Gone.IsCompleted)
            {
                for (ulong page = 0; page < (ulong)lease.Vm.Machine.Ram.Length; page += 4096) lease.Vm.Memory.Read<ulong>(new(page));
            }
        }
    }

    [Fact]
    public async Task A_VM_that_hangs_holds_up_no_other()
    {
        await using RealQemu hangs = await StartAsync("hangs");
        await using RealQemu runs = await StartAsync("runs");
        hangs.Signal("STOP");
        Task<VmLease> stuck = _vms.LeaseAsync("hangs", Cancellation);

        await using VmLease lease = await _vms.LeaseAsync("runs", Cancellation);

        Assert.False(stuck.IsCompleted);
        Assert.Equal(FailureKind.VmLost, (await Assert.ThrowsAsync<EngineException>(() => stuck)).Kind);
    }

    [Fact]
    public async Task A_VM_that_an_earlier_silo_held_when_it_died_is_known_as_abandoned_until_it_is_attached_to()
    {
        await using RealQemu qemu = await StartAsync("alpha");
        await using (var silo = await VirtualMachine.AttachAsync(qemu.SocketPath, cancellation: Cancellation))
        {
            silo.Resume();
            await using PausedVm hold = await silo.HoldAsync(Cancellation);
            await silo.Qmp.DisposeAsync(); // as when it is killed
        }

        Assert.Equal(["alpha"], _vms.Abandoned);
        await using VmLease lease = await _vms.LeaseAsync("alpha", Cancellation);

        Assert.Equal(VmStatus.Running, await lease.Vm.StatusAsync(Cancellation));
        Assert.Empty(_vms.Abandoned);
    }

    [Theory]
    [InlineData("../alpha")]
    [InlineData("")]
    [InlineData("beta")]
    public async Task A_name_that_is_none_of_a_VM_here_is_not_found(string name)
    {
        await using RealQemu qemu = await StartAsync("alpha");

        EngineException refusal = await Assert.ThrowsAsync<EngineException>(() => _vms.LeaseAsync(name, Cancellation));

        Assert.Equal(FailureKind.NotFound, refusal.Kind);
        Assert.Contains("it has alpha", refusal.Message, StringComparison.Ordinal);
    }

    private Task<RealQemu> StartAsync(string name) => RealQemu.StartSmallInAsync(Path.Combine(_run.Path, name));

    private static unsafe bool IsMapped(GuestVm vm) => vm.Machine.Ram.Regions[0].Pointer is not null;

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition()) await Task.Delay(10, limit.Token);
    }
}
