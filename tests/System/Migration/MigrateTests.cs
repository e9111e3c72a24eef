using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>Whole migrations: real silos, a real console, real guests.</summary>
public sealed class MigrateTests : MigrationTest
{
    [Fact]
    public async Task Redis_moves_with_its_data_and_leaves_nothing()
    {
        TwoHosts hosts = await StartHostsAsync();
        await hosts.A.Containers.RunAsync("redis", cancellation: Cancellation);
        await hosts.A.Containers.FillRedisAsync("redis", 20, Cancellation);
        string digest = await hosts.A.Containers.DigestAsync(cancellation: Cancellation);

        Run run = await hosts.WatariAsync("migrate", "redis", "--to", "vm-b", "-o", "json");

        Assert.True(run.Code == 0, run.Error);
        Assert.Equal("done", JsonDocument.Parse(run.Out).RootElement.GetProperty("state").GetString());
        await MigrationAssert.RunsOnlyInAsync(hosts.B, hosts.A, "redis");
        Assert.Equal(digest, await hosts.B.Containers.DigestAsync(cancellation: Cancellation));
        await MigrationAssert.KernelIsContentAsync(hosts.A);
        await MigrationAssert.KernelIsContentAsync(hosts.B);
    }
}
