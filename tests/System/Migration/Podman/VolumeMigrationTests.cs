using System.Globalization;
using System.Text.Json;
using Watari.Guests;
using Watari.Processes;
using Watari.SystemTests.Migration.Faults;

namespace Watari.SystemTests.Migration.Podman;

/// <summary>A container's named volumes go ahead of it, and what changes in them meanwhile comes with it.</summary>
[Collection(nameof(HeldHosts))]
public sealed class VolumeMigrationTests(HeldHosts held) : MigrationTest(held.Hosts)
{
    private const string Volume = "/var/lib/containers/storage/volumes/shelf/_data";
    private const int Large = 64 << 20;

    private const string Program = "n=0; while :; do n=$((n+1)); echo $n >/shelf/count; sleep 0.1; done";

    /// <summary>All that is in the volume and stands still, with all that belongs to it.</summary>
    private const string Files =
        $"(cd {Volume} && find . ! -name count -printf '%p %y %m %U:%G %n %T@ %l\\n' | sort; find . -type f ! -name count -exec sha256sum {{}} + | sort; find . -type f -links +1 -printf '%f ' | tr ' ' '\\n' | sort | tr '\\n' ' ')";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(6);

    private readonly TwoHosts _hosts = held.Hosts;
    private readonly HeldPoints _points = held.Points;

    [Fact]
    public async Task A_large_volume_goes_ahead_and_what_has_changed_since_is_at_the_destination_too()
    {
        await StartAsync();
        string large = await InAsync(_hosts.A, $"sha256sum <{Volume}/large");
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "freeze.before", await IdAsync());
        // It is there, and the container runs on where it is.
        Assert.Equal("shelf", await InAsync(_hosts.B, "podman volume ls -q"));
        Assert.Equal(large, await InAsync(_hosts.B, $"sha256sum <{Volume}/large"));
        // Of the job no more than what its agent has noted.
        Assert.Equal("", await InAsync(_hosts.B, "ls /var/lib/watari/archives | grep -v '[.]json$' || true"));
        await CountsAsync(_hosts.A);
        await InAsync(
            _hosts.A,
            $"(cd {Volume} && for at in 5 20000000 67108863; do printf X | dd of=large bs=1 seek=$at conv=notrunc 2>/dev/null; done"
            + " && dd if=/dev/zero of=large bs=64k seek=100 count=3 conv=notrunc 2>/dev/null && printf 'more at the end' >>large"
            + " && rm -r gone && mv renamed was && ln file third && rm second && chmod 4711 mode && chown 7:8 owner && echo new >new && mkdir -p deep/er && echo new >deep/er/new"
            + " && ln -sfn elsewhere link && rm becomes && mkdir becomes && echo in >becomes/in && touch -d @1234567.5 time"
            + " && truncate -s 100000 cut && truncate -s 5000000 sparse)");
        string files = await InAsync(_hosts.A, Files);
        int counted = await CountAsync(_hosts.A);
        migration.Release();

        Run run = await migration.EndAsync();

        Assert.True(run.Code == 0, $"{run.Code} {run.Out}{run.Error}");
        TestContext.Current.TestOutputHelper!.WriteLine(run.Out);
        Assert.Contains(", volumes 6", run.Out, StringComparison.Ordinal);
        Assert.Equal(files, await InAsync(_hosts.B, Files));
        Assert.True(await CountAsync(_hosts.B) >= counted);
        await CountsAsync(_hosts.B);
        Assert.Equal("", await InAsync(_hosts.A, "podman ps -aq; podman volume ls -q"));

        // And back, told as data.
        Run back = await RunPatientlyAsync(_hosts, "migrate", "shelf", "--to", "vm-a", "-o", "json");
        Assert.True(back.Code == 0, back.Error);
        TestContext.Current.TestOutputHelper!.WriteLine(back.Out);
        JsonElement job = JsonDocument.Parse(back.Out).RootElement;
        // Blocks of zeroes do not travel.
        Assert.InRange(job.GetProperty("volumes").GetProperty("aheadBytes").GetInt64(), Large - (1 << 20), Large + (1 << 20));
        Assert.InRange(job.GetProperty("volumes").GetProperty("withinBytes").GetInt64(), 0, 1 << 20);
        string[] parts = [.. job.GetProperty("downtime").GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("name").GetString()!)];
        Assert.All((string[])["compare-volumes", "patch-volumes"], part => Assert.Contains(part, parts));
        Assert.DoesNotContain("fill-volumes", parts);
        Assert.Equal(files, await InAsync(_hosts.A, Files));
        await CountsAsync(_hosts.A);
        Assert.Equal("", await InAsync(_hosts.B, "podman ps -aq; podman volume ls -q"));
        await RemoveAsync(_hosts.A);
        await MigrationAssert.KernelIsContentAsync(_hosts.A);
        await MigrationAssert.KernelIsContentAsync(_hosts.B);
    }

    [Fact]
    public async Task A_job_that_is_cancelled_between_the_two_leaves_no_volume_at_the_destination_though_its_agent_has_died_since()
    {
        await StartAsync();
        string files = await InAsync(_hosts.A, Files);
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "freeze.before", await IdAsync());
        await InAsync(_hosts.B, "podman volume create others");
        await _hosts.B.Faults.KillAgentAsync(Cancellation);

        await migration.InterruptAsync();
        Run run = await migration.EndAsync();

        Assert.True(run.Code == 130, $"{run.Code} {run.Out}{run.Error}");
        Assert.Equal("others", await InAsync(_hosts.B, "podman ps -aq; podman volume ls -q; ls /var/lib/watari/archives /run/watari/jobs | grep -v : || true"));
        Assert.Equal(files, await InAsync(_hosts.A, Files));
        await CountsAsync(_hosts.A);
        await InAsync(_hosts.B, "podman volume rm others");
        await RemoveAsync(_hosts.A);
    }

    [Fact]
    public async Task An_agent_that_dies_between_the_two_is_not_missed()
    {
        await StartAsync();
        await using HeldMigration migration = await HeldMigration.StartAsync(_hosts, _points, "freeze.before", await IdAsync());
        await _hosts.B.Faults.KillAgentAsync(Cancellation);
        await InAsync(_hosts.A, $"echo later >{Volume}/later");
        string files = await InAsync(_hosts.A, Files);
        migration.Release();

        Run run = await migration.EndAsync();

        Assert.True(run.Code == 0, $"{run.Code} {run.Out}{run.Error}");
        Assert.Equal(files, await InAsync(_hosts.B, Files));
        await CountsAsync(_hosts.B);
        await RemoveAsync(_hosts.B);
    }

    /// <summary>It runs in vm-a and counts, and nothing of it is in vm-b.</summary>
    private async Task StartAsync()
    {
        await Task.WhenAll(RemoveAsync(_hosts.A), RemoveAsync(_hosts.B));
        await InAsync(_hosts.A, $"podman run -d --name shelf --network none -v shelf:/shelf localhost/busybox sh -c '{Program}' && until [ -s {Volume}/count ]; do sleep 0.1; done");
        await InAsync(
            _hosts.A,
            $"(cd {Volume} && dd if=/dev/urandom of=large bs=1M count=64 2>/dev/null && mkdir -p gone/with/all && echo gone >gone/with/all/of && for name in renamed file mode owner becomes time; do echo $name >$name; done"
            + " && ln file second && ln -s file link && dd if=/dev/urandom of=cut bs=1k count=300 2>/dev/null && truncate -s 300000 sparse && mkfifo fifo && chmod 1777 .)");
    }

    private Task<string> IdAsync() => InAsync(_hosts.A, "podman inspect -f '{{.Id}}' shelf");

    private static async Task<int> CountAsync(TestHost host) => int.Parse(await InAsync(host, $"n=; until [ -n \"$n\" ]; do n=$(cat {Volume}/count); done; echo $n"), CultureInfo.InvariantCulture);

    private static Task<string> CountsAsync(TestHost host) => InAsync(host, $"n=$(cat {Volume}/count); until [ \"$(cat {Volume}/count)\" -gt \"${{n:-0}}\" ] 2>/dev/null; do sleep 0.1; done");

    private static Task<string> RemoveAsync(TestHost host) => InAsync(host, "podman rm -f -t 0 shelf; podman volume rm -f shelf");

    private static Task<string> InAsync(TestHost host, string command) => host.Guest.Console.CheckAsync(command, s_patience, TestContext.Current.CancellationToken);
}
