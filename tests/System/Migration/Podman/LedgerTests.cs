using System.Globalization;
using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Podman;

/// <summary>
/// A program that writes as a database does (several processes, shared memory, a file in a volume, each record flushed before it counts)
/// is moved there and back while it writes. WATARI_SOAK_LEDGER=N moves it N times, for a soak.
/// </summary>
public sealed class LedgerTests : MigrationTest
{
    private const string Binary = "/var/lib/watari/bundles/ledger/rootfs/bin/ledger";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    private static int Count => int.Parse(Environment.GetEnvironmentVariable("WATARI_SOAK_LEDGER") is { Length: > 0 } asked ? asked : "2", CultureInfo.InvariantCulture);

    [Fact]
    public async Task No_record_is_lost_or_doubled_and_the_file_is_what_memory_says_however_often_it_moves()
    {
        TwoHosts hosts = await StartHostsAsync();
        TestHost here = hosts.A;
        TestHost there = hosts.B;
        // The program itself comes along as a file that the container has and its image has not.
        await InAsync(here, $"podman create --name ledger --network none -v ledger:/data localhost/busybox /bin/ledger /data/ledger && podman cp {Binary} ledger:/bin/ledger && podman start ledger");
        await InAsync(here, "until podman exec ledger /bin/ledger --check; do :; done");
        long records = await CheckAsync(here, beyond: 0);

        for (int i = 0; i < Count; i++)
        {
            Run run = await RunPatientlyAsync(hosts, "migrate", "ledger", "--to", there.Guest.Name, "-o", "json");

            Assert.True(run.Code == 0, $"Migration {i}: {run.Error}");
            JsonElement job = JsonDocument.Parse(run.Out).RootElement;
            Assert.Equal(JsonValueKind.Null, job.GetProperty("left").ValueKind);
            JsonElement downtime = job.GetProperty("downtime");
            TestContext.Current.TestOutputHelper!.WriteLine(
                $"{i}: {records} records, {downtime.GetProperty("milliseconds")} ms down: {string.Join(", ", downtime.GetProperty("parts").EnumerateArray().Select(part => $"{part.GetProperty("name")} {part.GetProperty("milliseconds")}"))}");
            records = await CheckAsync(there, beyond: records);
            Assert.Equal("", await InAsync(here, "podman ps -aq; podman volume ls -q"));
            (here, there) = (there, here);
        }

        // A start anew takes up the file and finds in it what was acknowledged.
        await InAsync(here, "podman stop -t 0 ledger && podman start ledger && until podman exec ledger /bin/ledger --check; do :; done");
        await CheckAsync(here, beyond: records);
        await MigrationAssert.KernelIsContentAsync(hosts.A);
        await MigrationAssert.KernelIsContentAsync(hosts.B);
    }

    /// <summary>Waits until it has written more, and asks for its verdict.</summary>
    /// <returns>How many records there are.</returns>
    private static async Task<long> CheckAsync(TestHost host, long beyond)
    {
        while (true)
        {
            string said = await InAsync(host, "podman exec ledger /bin/ledger --check");
            JsonElement verdict = JsonDocument.Parse(said).RootElement;
            Assert.True(verdict.GetProperty("intact").GetBoolean(), said);
            long records = verdict.GetProperty("records").GetInt64();
            Assert.True(records >= beyond, $"{said} There were {beyond} before.");
            if (records > beyond) return records;
        }
    }

    private static Task<string> InAsync(TestHost host, string command) => host.Guest.Console.CheckAsync(command, s_patience, Cancellation);
}
