using System.Globalization;
using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>Many migrations in a row. WATARI_SOAK_MIGRATIONS=N makes N of each container, for a soak.</summary>
public sealed class ThereAndBackTests : MigrationTest
{
    private static readonly string[] s_states = ["planned", "preparing", "pre-copying", "frozen", "captured", "restoring", "ready", "committed", "done"];

    private static int Count => int.Parse(Environment.GetEnvironmentVariable("WATARI_SOAK_MIGRATIONS") is { Length: > 0 } asked ? asked : "4", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Redis_and_the_counter_move_there_and_back_again_and_again()
    {
        TwoHosts hosts = await StartHostsAsync();
        await hosts.A.Containers.RunAsync("redis", cancellation: Cancellation);
        await hosts.A.Containers.RunAsync("counter", cancellation: Cancellation);
        await hosts.A.Containers.FillRedisAsync("redis", 20, Cancellation);
        string digest = await hosts.A.Containers.DigestAsync(cancellation: Cancellation);

        TestHost here = hosts.A;
        TestHost there = hosts.B;
        for (int i = 0; i < Count; i++)
        {
            foreach (string container in (string[])["redis", "counter"])
            {
                Run run = await hosts.WatariAsync("migrate", container, "--to", there.Guest.Name, "-o", "json");

                Assert.True(run.Code == 0, $"Migration {i} of {container}: {run.Error}");
                AssertTells(JsonDocument.Parse(run.Out).RootElement, container, here, there);
                await MigrationAssert.RunsOnlyInAsync(there, here, container);
            }

            (here, there) = (there, here);
        }

        Assert.Equal(digest, await here.Containers.DigestAsync(cancellation: Cancellation));
        JsonElement report = await here.Containers.ReportAsync(cancellation: Cancellation);
        Assert.True(report.GetProperty("intact").GetBoolean(), report.GetRawText());
        await MigrationAssert.KernelIsContentAsync(hosts.A);
        await MigrationAssert.KernelIsContentAsync(hosts.B);
    }

    [Theory]
    [InlineData("in-place", "outside")]
    [InlineData("landing-zone", "agent")]
    public async Task A_container_with_something_of_every_kind_moves_there_and_back(string memory, string freezer)
    {
        TwoHosts hosts = await StartHostsAsync();
        await hosts.A.Containers.RunAsync("kinds", cancellation: Cancellation);

        foreach ((TestHost from, TestHost to) in ((TestHost, TestHost)[])[(hosts.A, hosts.B), (hosts.B, hosts.A)])
        {
            Run run = await hosts.WatariAsync("migrate", "kinds", "--to", to.Guest.Name, "--memory", memory, "--freezer", freezer);

            Assert.True(run.Code == 0, run.Error);
            await MigrationAssert.RunsOnlyInAsync(to, from, "kinds");
            string[] kinds = (await to.Containers.ExecAsync("kinds", "/bin/kinds --check", Cancellation)).Split('\n');
            Assert.True(kinds.Length > 10);
            Assert.All(kinds, line => Assert.StartsWith("ok ", line, StringComparison.Ordinal));
            await MigrationAssert.KernelIsContentAsync(from);
            await MigrationAssert.KernelIsContentAsync(to);
        }
    }

    /// <summary>The document of a migration that is done: its shape, and figures that can be true.</summary>
    private static void AssertTells(JsonElement job, string container, TestHost from, TestHost to)
    {
        string text = job.GetRawText();
        Assert.Equal((container, from.Vm, to.Vm), (job.GetProperty("workload").GetString(), job.GetProperty("from").GetString(), job.GetProperty("to").GetString()));
        Assert.Equal(("done", $"runs in {to.Vm}"), (job.GetProperty("state").GetString(), job.GetProperty("whereabouts").GetString()));
        Assert.Equal(JsonValueKind.Null, job.GetProperty("failure").ValueKind);
        Assert.Equal(s_states, job.GetProperty("history").EnumerateArray().Select(change => change.GetProperty("state").GetString()));

        Dictionary<string, double> phases = Timings(job.GetProperty("phases"));
        Assert.All((string[])["freeze", "capture", "send", "receive", "skeleton", "touch", "memwrite", "thaw"], phase => Assert.Contains(phase, phases.Keys));
        Assert.All(phases.Values, milliseconds => Assert.True(milliseconds >= 0, text));

        JsonElement downtime = job.GetProperty("downtime");
        double total = downtime.GetProperty("milliseconds").GetDouble();
        Assert.InRange(total, phases["freeze"] + phases["skeleton"] + phases["thaw"], job.GetProperty("milliseconds").GetDouble());
        // Phases of two hosts may overlap by little: what the destination waits for is what the source sends.
        Assert.InRange(Timings(downtime.GetProperty("parts")).Values.Sum(), total - 1, total + phases["receive"] + 1);

        JsonElement transfer = job.GetProperty("transfer");
        long normal = transfer.GetProperty("normalPages").GetInt64();
        long zero = transfer.GetProperty("zeroPages").GetInt64();
        Assert.True(normal > 0 && zero >= 0, text);
        Assert.Equal((normal + zero) * 4096, transfer.GetProperty("totalBytes").GetInt64());
        Assert.InRange(transfer.GetProperty("transferredBytes").GetInt64(), normal * 4096, (normal * 4096) + (2 << 20));
        Assert.Equal(0, transfer.GetProperty("remainingBytes").GetInt64());
    }

    private static Dictionary<string, double> Timings(JsonElement phases) =>
        phases.EnumerateArray().ToDictionary(phase => phase.GetProperty("name").GetString()!, phase => phase.GetProperty("milliseconds").GetDouble());
}
