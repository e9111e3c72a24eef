using System.Diagnostics;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Memory;
using Watari.Processes;
using Watari.SystemTests.Checkpoint;

namespace Watari.SystemTests.Migration;

/// <summary>Guests that no migration can begin with: refused, and nothing is touched.</summary>
[Collection(Migrations.Name)]
public sealed class UnfitGuestTests : MigrationTest
{
    [Fact]
    public async Task A_destination_whose_CPU_has_fewer_features_is_refused()
    {
        TwoHosts hosts = await StartHostsAsync(new TwoHostsOptions { GuestB = new GuestOptions { Cpu = "max,-cx16,-avx2,-rdrand" } });
        await hosts.A.Containers.RunAsync("counter", cancellation: Cancellation);
        string[] before = await MigrationAssert.FingerprintAsync(hosts);

        Run run = await hosts.WatariAsync("migrate", "counter", "--to", "vm-b");

        Assert.Equal(4, run.Code);
        Assert.Contains("The CPU of VM 'vm-b' lacks avx2 rdrand, which the workload may be using; choose a VM with the same CPU model. counter runs on in host-a/vm-a", run.Error, StringComparison.Ordinal);
        Assert.Equal(before, await MigrationAssert.FingerprintAsync(hosts));

        // Whatever runs there can run here.
        await hosts.A.Containers.RemoveAsync("counter", Cancellation);
        await hosts.B.Containers.RunAsync("counter", cancellation: Cancellation);
        Run back = await hosts.WatariAsync("migrate", "counter", "--to", "vm-a", "--dry-run");
        Assert.True(back.Code == 0, back.Error);
    }

    [Fact]
    public async Task A_guest_that_has_lost_its_types_cannot_be_looked_into_and_one_that_is_gone_neither()
    {
        TwoHosts hosts = await StartHostsAsync(new TwoHostsOptions
        {
            BeforeSilos = async (a, _) =>
            {
                await a.Containers.RunAsync("counter", cancellation: Cancellation);
                await EraseTypesAsync(a.Guest);
            },
        });
        string[] before = await MigrationAssert.FingerprintAsync(hosts);

        Run named = await hosts.WatariAsync("migrate", "counter", "--from", "vm-a", "--to", "vm-b");
        Run found = await hosts.WatariAsync("migrate", "counter", "--to", "vm-b");
        Run vms = await hosts.WatariAsync("vms", "-o", "wide");
        Run doctor = await hosts.WatariAsync("doctor", "vm-a");

        Assert.Equal((3, 3, 0), (named.Code, found.Code, vms.Code));
        Assert.Equal(4, doctor.Code);
        Assert.Matches(@"\nmonitor +ok ", doctor.Out);
        Assert.Matches(@"\nkernel +problem .*BTF", doctor.Out);
        Assert.Matches(@"\nfreeze +not-looked-at +not looked at\n", doctor.Out);
        Assert.Matches(@"\nkernel: boot the guest with a distribution's kernel", doctor.Out);
        Assert.All([named.Error, found.Error, vms.Out], said => Assert.Contains("BTF", said, StringComparison.Ordinal));
        Assert.All([named.Error, found.Error], said => Assert.Contains("Nothing was touched.", said, StringComparison.Ordinal));
        Assert.Equal("running", await hosts.A.Containers.StatusAsync("counter", Cancellation));
        Assert.Equal(before, await MigrationAssert.FingerprintAsync(hosts));

        await KillAsync(hosts.A.Guest);
        named = await hosts.WatariAsync("migrate", "counter", "--from", "vm-a", "--to", "vm-b");
        found = await hosts.WatariAsync("migrate", "counter", "--to", "vm-b");

        Run gone = await hosts.WatariAsync("doctor", "vm-a");
        Assert.Equal(4, gone.Code);
        Assert.Matches(@"\nmonitor +problem .*\nmemory +not-looked-at ", gone.Out);
        Assert.Equal((3, 3), (named.Code, found.Code));
        Assert.All([named.Error, found.Error], said => Assert.Contains("vm-a", said, StringComparison.Ordinal));
        await MigrationAssert.NothingIsLeftInAsync(hosts.B, "counter");
    }

    /// <summary>Overwrites the magic number of the kernel's BTF in the guest's RAM; the guest itself never looks at it again.</summary>
    private static async Task EraseTypesAsync(Guest guest)
    {
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        var seen = new TestVm(vm);
        Assert.True(seen.Kernel.Symbols.TryFind("__start_BTF"u8, out GuestVirtualAddress start));
        seen.Writer.Write<ushort>(seen.Kernel.AddressSpace.Translate(start), 0);
    }

    /// <summary>Ends a VM as a crash of its QEMU does.</summary>
    private static async Task KillAsync(Guest guest)
    {
        int id = (await guest.Launcher.ListAsync(Cancellation)).Single(vm => vm.Spec.Name == guest.Name).ProcessId!.Value;
        using var qemu = Process.GetProcessById(id);
        qemu.Kill();
        await qemu.WaitForExitAsync(Cancellation);
    }
}
