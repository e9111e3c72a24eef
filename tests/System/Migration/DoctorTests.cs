using System.Globalization;
using System.Text.Json;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>What <c>watari doctor</c> and <c>watari dmesg</c> say of a guest, against what is true in it. A redis and a counter run in vm-a.</summary>
[Collection(Migrations.Name)]
public sealed class DoctorTests(SharedHosts shared) : MigrationTest(shared.Hosts)
{
    private const string RemoveHierarchy = "for p in $(cat /tmp/v1/docker/abc/cgroup.procs); do echo $p >/tmp/v1/cgroup.procs; done; rmdir /tmp/v1/docker/abc /tmp/v1/docker; umount /tmp/v1";

    private readonly TwoHosts _hosts = shared.Hosts;

    [Fact]
    public async Task A_fit_guest_has_nothing_but_good_findings()
    {
        string kernel = await In("uname -r");
        string id = await In("od -An -tx1 /sys/kernel/notes | tr -d ' \\n'");

        Run table = await _hosts.WatariAsync("doctor", "vm-a");
        Run json = await _hosts.WatariAsync("doctor", "host-a/vm-a", "-o", "json");

        Assert.Equal((0, ""), (table.Code, table.Error));
        Dictionary<string, JsonElement> checks = Checks(json);
        Assert.All(checks, check => Assert.True(check.Value.GetProperty("result").GetString() == "ok", $"{check.Key}: {check.Value}"));
        Assert.All(checks.Keys, subject => Assert.Contains($"\n{subject} ", table.Out, StringComparison.Ordinal));
        string Finding(string subject) => checks[subject].GetProperty("finding").GetString()!;
        Assert.StartsWith($"Linux {kernel}, build id ", Finding("kernel"), StringComparison.Ordinal);
        Assert.Contains(Finding("kernel").Split(' ')[^1], id, StringComparison.Ordinal);
        Assert.EndsWith("1 of 1 vCPU online", Finding("address space"), StringComparison.Ordinal);
        string text = await In("grep -m1 ' _text$' /proc/kallsyms");
        ulong offset = ulong.Parse(text.Split(' ')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture) - 0xffff_ffff_8100_0000;
        Assert.Contains($"KASLR offset 0x{offset:x},", Finding("address space"), StringComparison.Ordinal);
        Assert.Equal("2 run: redis, counter", Finding("containers"));
        Assert.Equal("version 2 alone", Finding("cgroups"));
    }

    [Fact]
    public async Task The_log_is_what_dmesg_says_in_the_guest()
    {
        await In(@"printf '<4>watari was here\n' >/dev/kmsg");
        string[] theirs = (await In("dmesg --level=warn,err --kernel --color=never")).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] all = (await In("dmesg --color=never | tail -n 20")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Run warnings = await _hosts.WatariAsync("dmesg", "vm-a", "-l", "warn,err", "-o", "json");
        Run log = await _hosts.WatariAsync("dmesg", "vm-a");

        Assert.Equal((0, 0, ""), (log.Code, warnings.Code, log.Error));
        string[] ours = log.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        int last = Array.IndexOf(ours, all[^1]);
        Assert.True(last >= all.Length, all[^1]);
        Assert.Equal(all, ours[(last - all.Length + 1)..(last + 1)]);
        JsonElement[] lines = [.. JsonDocument.Parse(warnings.Out).RootElement.GetProperty("dmesg").EnumerateArray()];
        Assert.Contains(lines, line => line.GetProperty("message").GetString() == "watari was here" && line.GetProperty("facility").GetString() == "user");
        Assert.All(theirs, line => Assert.Contains(lines, found => line.Contains(found.GetProperty("message").GetString()!.Split('\n')[0], StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_container_in_a_cgroup_of_version_1_is_refused_and_the_guest_said_to_be_unfit()
    {
        string pid = await In("head -1 /sys/fs/cgroup/counter/cgroup.procs");
        await In($"mkdir -p /tmp/v1 && mount -t cgroup -o none,name=looks none /tmp/v1 && mkdir -p /tmp/v1/docker/abc && echo {pid} >/tmp/v1/docker/abc/cgroup.procs");
        try
        {
            Run doctor = await _hosts.WatariAsync("doctor", "vm-a", "-o", "json");
            Run migrate = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b", "--dry-run");

            Assert.Equal((4, 4), (doctor.Code, migrate.Code));
            JsonElement cgroups = Checks(doctor)["cgroups"];
            Assert.Equal("problem", cgroups.GetProperty("result").GetString());
            Assert.Contains("hybrid", cgroups.GetProperty("finding").GetString(), StringComparison.Ordinal);
            Assert.Contains("systemd.unified_cgroup_hierarchy=1", cgroups.GetProperty("remedy").GetString(), StringComparison.Ordinal);
            Assert.Contains("cgroup /docker/abc", migrate.Out + migrate.Error, StringComparison.Ordinal);
            Assert.Contains("it is of cgroup version 1", migrate.Out + migrate.Error, StringComparison.Ordinal);
        }
        finally
        {
            await In(RemoveHierarchy);
        }

        // The hierarchy is there until the kernel has let go of it.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while ((await _hosts.WatariAsync("doctor", "vm-a")).Code != 0) limit.Token.ThrowIfCancellationRequested();
        Run again = await _hosts.WatariAsync("migrate", "counter", "--to", "vm-b", "--dry-run");
        Assert.True(again.Code == 0, again.Out + again.Error);
    }

    private static Dictionary<string, JsonElement> Checks(Run run) =>
        JsonDocument.Parse(run.Out).RootElement.GetProperty("checks").EnumerateArray().ToDictionary(check => check.GetProperty("subject").GetString()!);

    private Task<string> In(string command) => _hosts.A.Guest.Console.CheckAsync(command, cancellation: Cancellation);
}
