using System.Diagnostics;
using System.Text.Json;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Processes;

namespace Watari.SystemTests.Migration;

/// <summary>
/// What cannot be done is refused before anything is touched, with a sentence that says what was wrong, what to do and where the container
/// is. A redis and a counter run in vm-a throughout.
/// </summary>
[Collection(Migrations.Name)]
public sealed class RefusalTests(SharedHosts shared) : MigrationTest(shared.Hosts)
{
    private const string Untouched = "redis was not touched; it is in host-a/vm-a.";
    private const string RunsOn = "redis runs on in host-a/vm-a";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly TwoHosts _hosts = shared.Hosts;

    [Theory]
    [InlineData("migrate redis", 2, "Option '--to' is required.", "Try 'watari migrate --help'.")]
    [InlineData("migrate --to vm-b", 2, "Name a container, or a process tree with --pid.", "Try 'watari migrate --help'.")]
    [InlineData("migrate nothing --to vm-b", 3, "There is no container 'nothing' (there are: counter in host-a/vm-a, redis in host-a/vm-a).", "Nothing was touched.")]
    [InlineData("migrate redis --to vm-x", 3, "There is no VM 'vm-x' (there are: host-a/vm-a, host-b/vm-b).", Untouched)]
    [InlineData("migrate redis --to host-x/vm-b", 3, "There is no host 'host-x' (there are: host-a, host-b).", Untouched)]
    [InlineData("migrate redis --from vm-b --to vm-a", 3, "There is no container 'redis' in vm-b (there are: none).", "Nothing was touched.")]
    [InlineData("migrate redis --to vm-a", 4, "redis is in host-a/vm-a already: name another VM.", Untouched)]
    [InlineData("migrate --pid 1 --from vm-a --to vm-b", 4, "is the guest's own and cannot be moved", "pid 1 runs on in host-a/vm-a")]
    [InlineData("migrate --pid 99999 --from vm-a --to vm-b", 3, "There is no process 99999 in VM 'vm-a'.", "")]
    public Task What_is_not_there_is_not_found(string line, int code, string says, string where) => AssertRefusedAsync(line, code, says, where);

    [Fact]
    public async Task A_name_that_two_VMs_have_must_be_told_apart()
    {
        await _hosts.B.Containers.RunAsync("redis", cancellation: Cancellation);
        try
        {
            await AssertRefusedAsync("migrate redis --to vm-b", 3, "'redis' is the name of several containers: redis in host-a/vm-a, redis in host-b/vm-b; say which by its id, or name its VM.", "Nothing was touched.");
            await AssertRefusedAsync("migrate redis --from vm-a --to vm-b", 4, "A container 'redis' is running in VM 'vm-b' already: delete it there (runc delete redis), or choose another VM.", RunsOn);
        }
        finally
        {
            await _hosts.B.Containers.RemoveAsync("redis", Cancellation);
        }
    }

    [Fact]
    public async Task A_destination_needs_an_agent()
    {
        await InBAsync("mv /usr/lib/watari/watari-agent /usr/lib/watari/held; kill $(pidof watari-agent); until pgrep -P 1 -x sleep; do :; done");
        try
        {
            await AssertRefusedAsync("migrate redis --to vm-b", 4, "host-b/vm-b cannot take redis: no guest agent answers in it: install and start watari-agent there.", RunsOn);
            Assert.Equal(JsonValueKind.Null, (await AgentOfBAsync()).ValueKind);
        }
        finally
        {
            await InBAsync("mv /usr/lib/watari/held /usr/lib/watari/watari-agent; kill $(pgrep -P 1 -x sleep); until pidof watari-agent; do :; done");
        }

        // An agent that has been started again is found without more ado, once it answers: its process is there before that.
        long began = Stopwatch.GetTimestamp();
        while ((await AgentOfBAsync()).ValueKind != JsonValueKind.String) Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1), "no agent answers");
        Run run = await _hosts.WatariAsync("migrate", "redis", "--to", "vm-b", "--dry-run");
        Assert.True(run.Code == 0, run.Error);
    }

    [Fact]
    public async Task A_destination_needs_the_containers_image()
    {
        await InBAsync("mv /var/lib/watari/bundles/redis /var/lib/watari/redis");
        try
        {
            await AssertRefusedAsync("migrate redis --to vm-b", 4, "VM 'vm-b' does not have the container's image: there is no complete bundle at /var/lib/watari/bundles/redis. Put it there, or choose another VM.", RunsOn);
        }
        finally
        {
            await InBAsync("mv /var/lib/watari/redis /var/lib/watari/bundles/redis");
        }
    }

    [Fact]
    public async Task A_destination_needs_memory()
    {
        await InBAsync("mkdir -p /mnt/full && mount -t tmpfs -o size=95% full /mnt/full && dd if=/dev/zero of=/mnt/full/x bs=1M count=$(($(sed -n 's/MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo) / 1024 - 60)) 2>/dev/null");
        try
        {
            await AssertRefusedAsync("migrate redis --to vm-b", 4, "VM 'vm-b' has ", " MiB are needed: free memory there, or choose another VM.", RunsOn);
        }
        finally
        {
            await InBAsync("umount /mnt/full");
        }
    }

    [Fact]
    public async Task A_container_with_something_that_is_not_carried_stays()
    {
        const string log = "/data/appendonlydir";
        await RedisAsync("config set appendonly yes");
        try
        {
            await InAAsync("until runc exec redis /usr/bin/redis-cli -s /run/redis.sock info persistence | grep -q aof_rewrite_in_progress:0; do :; done");
            // The log that redis writes is gone from the disk, and redis has it open all the same.
            await InAAsync($"rm -r /var/lib/watari/bundles/redis/rootfs{log}");
            await AssertRefusedAsync("migrate redis --to vm-b", 4, "redis holds what cannot be carried: ", log, RunsOn);
            Run plan = await _hosts.WatariAsync("migrate", "redis", "--to", "vm-b", "--dry-run");
            Assert.Equal(4, plan.Code);
            Assert.Matches($"(?m)^refused +.*{log}", plan.Out);
            Assert.Contains(Untouched, plan.Error, StringComparison.Ordinal);
        }
        finally
        {
            await RedisAsync("config set appendonly no");
        }
    }

    [Fact]
    public async Task A_container_in_which_somebody_works_stays()
    {
        await InAAsync("setsid runc exec redis /usr/bin/redis-cli -s /run/redis.sock subscribe news </dev/null >/dev/null 2>&1 & until pidof redis-cli; do :; done");
        try
        {
            await AssertRefusedAsync("migrate redis --to vm-b", 4, "redis holds what cannot be carried: ", "its parent is outside of the container, as of one that was started there by exec; end it first", RunsOn);
        }
        finally
        {
            await InAAsync("kill $(pidof redis-cli); until [ $(wc -l </sys/fs/cgroup/redis/cgroup.procs) = 1 ]; do :; done");
        }
    }

    [Theory]
    [InlineData("vm-a", "VM 'vm-a' stands still (paused): let it go on (cont at its monitor), and try again.")]
    [InlineData("vm-b", "host-b/vm-b cannot take redis: it is paused, not running: start it or let it go on, or choose another VM.")]
    public async Task Both_VMs_must_run(string still, string says)
    {
        TestHost host = still == "vm-a" ? _hosts.A : _hosts.B;
        string[] before = await MigrationAssert.FingerprintAsync(_hosts);
        await TellMonitorAsync(host, "stop");
        Run run;
        try
        {
            run = await _hosts.WatariAsync("migrate", "redis", "--to", "vm-b");
            Assert.Equal(RunState.Paused, await host.VmStateAsync(Cancellation)); // nobody lets it go but who has stopped it
        }
        finally
        {
            await TellMonitorAsync(host, "cont");
        }

        AssertSays(run, 4, [says, RunsOn]);
        Assert.Equal(before, await MigrationAssert.FingerprintAsync(_hosts));
    }

    [Theory]
    [InlineData(false, "gone")]
    [InlineData(true, "unreachable")]
    public async Task A_VM_whose_monitor_does_not_answer_can_be_no_destination_and_hides_no_other(bool listens, string status)
    {
        string directory = Path.Combine(Path.GetDirectoryName(_hosts.B.Guest.Directory.DirectoryPath)!, "vm-mute");
        Directory.CreateDirectory(directory);
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(Path.Combine(directory, "qmp.sock")));
        if (listens) socket.Listen();
        try
        {
            await AssertRefusedAsync("migrate redis --to vm-mute", 4, $"host-b/vm-mute cannot take redis: it is {status}, not running: start it or let it go on, or choose another VM.", RunsOn);
            Run vms = await _hosts.WatariAsync("vms", "-o", "json");
            Dictionary<string, string> states = JsonDocument.Parse(vms.Out).RootElement.EnumerateArray().ToDictionary(vm => vm.GetProperty("name").GetString()!, vm => vm.GetProperty("status").GetString()!);
            Assert.Equal(new Dictionary<string, string> { ["vm-a"] = "running", ["vm-b"] = "running", ["vm-mute"] = status }, states);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private async Task AssertRefusedAsync(string line, int code, params string[] says)
    {
        string[] before = await MigrationAssert.FingerprintAsync(_hosts);

        Run run = await _hosts.WatariAsync(line.Split(' '));

        AssertSays(run, code, says);
        Assert.Equal("running", await _hosts.A.Containers.StatusAsync("redis", Cancellation));
        Assert.Equal(before, await MigrationAssert.FingerprintAsync(_hosts));
    }

    private static void AssertSays(Run run, int code, string[] says)
    {
        Assert.All(says, words => Assert.Contains(words, run.Error, StringComparison.Ordinal));
        Assert.Equal((code, ""), (run.Code, run.Out));
    }

    private Task<string> RedisAsync(string command) => _hosts.A.Containers.ExecAsync("redis", $"/usr/bin/redis-cli -s /run/redis.sock {command}", Cancellation);

    private Task<string> InAAsync(string command) => _hosts.A.Guest.Console.CheckAsync(command, s_patience, Cancellation);

    private Task<string> InBAsync(string command) => _hosts.B.Guest.Console.CheckAsync(command, s_patience, Cancellation);

    private async Task<JsonElement> AgentOfBAsync() =>
        JsonDocument.Parse((await _hosts.WatariAsync("vms", "-o", "json")).Out).RootElement.EnumerateArray().Single(vm => vm.GetProperty("name").GetString() == "vm-b").GetProperty("agentVersion");

    /// <summary>At the monitor that no silo uses, which takes one client at a time.</summary>
    private static async Task TellMonitorAsync(TestHost host, string command)
    {
        await using QmpClient monitor = await QmpClient.ConnectAsync(host.Guest.Directory.ControlSocket, cancellation: Cancellation);
        await monitor.ExecuteAsync(command, cancellation: Cancellation);
    }
}
