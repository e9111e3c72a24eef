using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>VMs whose RAM is their QEMU's own: what is read of them is copied, what is written goes into QEMU's memory, and all else is the same.</summary>
[Collection(Migrations.Name)]
public sealed class PrivateRamMigrationTests : MigrationTest
{
    [Fact]
    public async Task Containers_move_there_and_back_in_both_ways_of_memory()
    {
        TwoHosts hosts = await StartHostsAsync(new TwoHostsOptions { GuestA = new GuestOptions { PrivateRam = true }, GuestB = new GuestOptions { PrivateRam = true } });
        await hosts.A.Containers.RunAsync("redis", cancellation: Cancellation);
        await hosts.A.Containers.RunAsync("counter", cancellation: Cancellation);
        await hosts.A.Containers.FillRedisAsync("redis", 10, Cancellation);
        string digest = await hosts.A.Containers.DigestAsync(cancellation: Cancellation);
        Assert.All(await RamOfAsync(hosts), ram => Assert.Equal("process memory", ram.Value));

        foreach ((TestHost from, TestHost to, string memory) in ((TestHost, TestHost, string)[])[(hosts.A, hosts.B, "in-place"), (hosts.B, hosts.A, "landing-zone")])
        {
            foreach (string container in (string[])["redis", "counter"])
            {
                Run run = await hosts.WatariAsync("migrate", container, "--to", to.Guest.Name, "--memory", memory);
                Assert.True(run.Code == 0, run.Error);
                await MigrationAssert.RunsOnlyInAsync(to, from, container);
            }
        }

        Assert.Equal(digest, await hosts.A.Containers.DigestAsync(cancellation: Cancellation));
        JsonElement report = await hosts.A.Containers.ReportAsync(cancellation: Cancellation);
        Assert.True(report.GetProperty("intact").GetBoolean(), report.GetRawText());
        await MigrationAssert.KernelIsContentAsync(hosts.A);
        await MigrationAssert.KernelIsContentAsync(hosts.B);
    }

    [Fact]
    public async Task A_container_moves_between_a_VM_that_shares_its_RAM_and_one_that_does_not()
    {
        TwoHosts hosts = await StartHostsAsync(new TwoHostsOptions { GuestB = new GuestOptions { PrivateRam = true } });
        await hosts.A.Containers.RunAsync("kinds", cancellation: Cancellation);
        Assert.Equal(new Dictionary<string, string?> { ["vm-a"] = "memfd", ["vm-b"] = "process memory" }, await RamOfAsync(hosts));

        foreach ((TestHost from, TestHost to) in ((TestHost, TestHost)[])[(hosts.A, hosts.B), (hosts.B, hosts.A)])
        {
            Run run = await hosts.WatariAsync("migrate", "kinds", "--to", to.Guest.Name);
            Assert.True(run.Code == 0, run.Error);
            await MigrationAssert.RunsOnlyInAsync(to, from, "kinds");
            Assert.All((await to.Containers.ExecAsync("kinds", "/bin/kinds --check", Cancellation)).Split('\n'), line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
        }
    }

    /// <summary>How each VM's RAM is reached. A silo that has just started may not have looked at its VM yet: it is asked until it has.</summary>
    private static async Task<Dictionary<string, string?>> RamOfAsync(TwoHosts hosts)
    {
        for (int left = 20; ; left--)
        {
            Run vms = await hosts.WatariAsync("vms", "-o", "json");
            Assert.True(vms.Code == 0, vms.Error);
            Dictionary<string, string?> ram = JsonDocument.Parse(vms.Out).RootElement.EnumerateArray()
                .ToDictionary(vm => vm.GetProperty("name").GetString()!, vm => vm.GetProperty("ram").GetString());
            if (left == 0 || (ram.Count == 2 && !ram.ContainsValue(null))) return ram;
        }
    }
}
