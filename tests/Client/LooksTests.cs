using System.Text.Json;
using Watari.Client.Commands;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>Looks into a VM: what they print, and asked of real silos.</summary>
public sealed class LooksTests(TwoHosts hosts) : IDisposable
{
    private static readonly DateTimeOffset Boot = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly StringWriter _output = new();
    private readonly StringWriter _errors = new();

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
    }

    private Terminal Terminal => new(_output, _errors, IsLive: false);

    [Fact]
    public async Task a_log_is_printed_as_dmesg_does_and_nothing_in_it_can_steer_a_terminal()
    {
        await Print(Pieces(
            new KernelLogEntry(0, 0, 5, 0, 0, "Linux version 6.12"),
            new KernelLogEntry(1, 12_345_678_999, 6, 0, 0, "two\nlines"),
            new KernelLogEntry(2, 100_000_000_000_000, 0, 1, 0, "\u001b[2J\u009bred\ttab\r\u0007")));

        Assert.Equal(
            """
            [    0.000000] Linux version 6.12
            [   12.345678] two
                           lines
            [100000.000000] \x1b[2J\x9bred	tab\x0d\x07

            """,
            _output.ToString());
    }

    [Theory]
    [InlineData("emerg", 0)]
    [InlineData("debug", 7)]
    [InlineData("warn,emerg", 0, 4)]
    [InlineData("err+", 0, 1, 2, 3)]
    [InlineData("debug,alert+", 0, 1, 7)]
    public async Task only_the_levels_that_are_asked_for_are_printed(string words, params int[] levels)
    {
        Assert.True(LogView.TryParseLevels(words, out IReadOnlySet<int> asked, out _));

        await Print(Pieces([.. Enumerable.Range(0, 8).Select(level => new KernelLogEntry((ulong)level, 0, level, 0, 0, $"{level}"))]), levels: asked);

        Assert.Equal(string.Join(' ', levels), string.Join(' ', _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[^1])));
    }

    [Fact]
    public async Task times_of_the_wall_clock_are_those_of_this_machine()
    {
        await Print(Pieces(new KernelLogEntry(0, 61_000_000_000, 6, 0, 0, "later")), wallClock: true);

        string time = Boot.AddSeconds(61).ToLocalTime().ToString("ddd MMM d HH:mm:ss yyyy", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal($"[{time}] later\n", _output.ToString());
    }

    [Fact]
    public async Task what_was_overwritten_while_it_was_followed_is_told()
    {
        KernelLogPiece[] pieces = [Piece([new KernelLogEntry(0, 0, 6, 0, 0, "first")], isLast: false), Piece([new KernelLogEntry(5, 0, 6, 0, 0, "sixth")], isLast: true)];

        await Print(pieces);

        Assert.Equal("watari: 4 messages were overwritten before they were read\n", _errors.ToString());
    }

    [Fact]
    public async Task a_log_that_is_followed_goes_on_after_its_last_message()
    {
        using var interrupt = new CancellationTokenSource();
        List<ulong> asked = [];
        Task<KernelLogPiece> Read(ulong from, CancellationToken cancellationToken)
        {
            asked.Add(from);
            if (asked.Count == 3) interrupt.Cancel();
            return Task.FromResult(from == 1 && asked.Count == 2 ? Piece([], isLast: true) with { Next = 1 } : Piece([new KernelLogEntry(from, 0, 6, 0, 0, $"message {from}")], isLast: true));
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => DmesgCommand.PrintAsync(Read, new LogView(Terminal, json: false, wallClock: false, levels: null), follow: true, interrupt.Token));

        Assert.Equal([0, 1, 1], asked);
        Assert.Equal("[    0.000000] message 0\n[    0.000000] message 1\n", _output.ToString());
    }

    [Fact]
    public async Task a_log_as_data()
    {
        await Print(Pieces(new KernelLogEntry(7, 1_500_000_000, 4, 3, 9, "a \"warning\"\u001b"), new KernelLogEntry(8, 1_600_000_000, 6, 0, 9, "info")), json: true, wallClock: true);

        Golden.Assert("dmesg.json", _output.ToString());
    }

    [Fact]
    public async Task of_a_log_that_cannot_be_read_nothing_is_printed_on_standard_output()
    {
        await Assert.ThrowsAsync<EngineException>(() => DmesgCommand.PrintAsync(
            (_, _) => Task.FromException<KernelLogPiece>(new EngineException(FailureKind.VmLost, "its kernel cannot be read")),
            new LogView(Terminal, json: true, wallClock: false, levels: null), follow: false, TestContext.Current.CancellationToken));

        Assert.Empty(_output.ToString());
    }

    [Fact]
    public async Task an_empty_log_as_data_is_an_empty_list()
    {
        await Print(Pieces(), json: true);

        Assert.Equal(0, JsonDocument.Parse(_output.ToString()).RootElement.GetProperty("dmesg").GetArrayLength());
    }

    [Theory]
    [InlineData(nameof(OutputFormat.Table))]
    [InlineData(nameof(OutputFormat.Json))]
    public void an_examination_in_each_form(string format)
    {
        DoctorCommand.Print(Terminal, Enum.Parse<OutputFormat>(format), Examination(CheckLevel.Warning));

        Golden.Assert($"doctor.{(format == "Table" ? "txt" : "json")}", _output.ToString());
    }

    [Theory]
    [InlineData(CheckLevel.Ok, 0)]
    [InlineData(CheckLevel.Warning, 0)]
    [InlineData(CheckLevel.Problem, 4)]
    public void only_a_problem_is_not_a_good_end(CheckLevel level, int code) => Assert.Equal(code, DoctorCommand.ExitCodeOf(Examination(level)));

    [Fact]
    public async Task a_vm_is_examined_and_its_log_is_read()
    {
        ScriptedCluster cluster = await hosts.Cluster;

        Run doctor = await cluster.WatariAsync("doctor", "vm-a");
        Run examined = await cluster.WatariAsync("doctor", "host-b/vm-b", "-o", "json");
        Run log = await cluster.WatariAsync("dmesg", "vm-a");
        Run errors = await cluster.WatariAsync("dmesg", "vm-a", "-l", "warn+", "-o", "json");

        Assert.Equal((0, "CHECK    RESULT  FINDING\nmonitor  ok      scripted\n", ""), (doctor.Code, doctor.Out, doctor.Error));
        JsonElement report = JsonDocument.Parse(examined.Out).RootElement;
        Assert.Equal(("vm-b", "host-b", true), (report.GetProperty("vm").GetString(), report.GetProperty("host").GetString(), report.GetProperty("fit").GetBoolean()));
        Assert.Equal((0, "[    0.000000] message 0\n[    1.500000] message 1\n[    3.000000] message 2\n"), (log.Code, log.Out));
        Assert.Equal(["message 2"], JsonDocument.Parse(errors.Out).RootElement.GetProperty("dmesg").EnumerateArray().Select(line => line.GetProperty("message").GetString()));
    }

    [Fact]
    public async Task the_processes_of_a_container_are_listed_as_top_does()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string name = cluster.AddContainer();

        Run table = await cluster.WatariAsync("top", name);
        Run json = await cluster.WatariAsync("top", name, "-o", "json");

        string[] lines = table.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal((0, ""), (table.Code, table.Error));
        Assert.Matches("^UID +PID +PPID +STATE +TIME +MEMORY +COMMAND$", lines[0]);
        Assert.Matches("^ +0 +[0-9]+ +1 +S +01:01:01 +5 MiB ", lines[1]);
        Assert.Matches("^ *999 +[0-9]+ +[0-9]+ +R +1-12:00:00 +1 MiB +worker$", lines[2]);
        JsonElement worker = JsonDocument.Parse(json.Out).RootElement[1];
        Assert.Equal((2, 129_600_000, "1970-01-01T00:01:00+00:00"), (worker.GetProperty("containerPid").GetInt32(), worker.GetProperty("cpuMilliseconds").GetDouble(), worker.GetProperty("started").GetString()));
    }

    [Fact]
    public async Task what_containers_use_is_measured_between_two_samples()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string name = cluster.AddContainer();

        Run table = await cluster.WatariAsync("stats", "--no-stream", "-o", "wide", "-i", "0.2", name);
        Run all = await cluster.WatariAsync("stats", "--no-stream", "-i", "0.2", "-o", "json");

        Assert.Equal((0, ""), (table.Code, table.Error));
        Assert.Matches("^CONTAINER ID +NAME +VM +CPU % +MEM USAGE / LIMIT +MEM % +PIDS +CPU WAIT +MEM WAIT +IO WAIT\n.* 25.00% +64 MiB / 256 MiB +25.00% +[0-9]+ +0.00% +1.50% +--\n$", table.Out);
        JsonElement usage = JsonDocument.Parse(all.Out).RootElement.EnumerateArray().Single(u => u.GetProperty("name").GetString() == name);
        Assert.Equal((25.0, 64 << 20), (usage.GetProperty("cpuPercent").GetDouble(), usage.GetProperty("memoryBytes").GetInt64()));
        Assert.Equal(JsonValueKind.Null, usage.GetProperty("ioPressurePercent").ValueKind);
    }

    [Fact]
    public async Task usage_streams_until_it_is_interrupted()
    {
        using var interrupt = new CancellationTokenSource();
        int samples = 0;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StatsCommand.ShowAsync(
            Sample, Terminal, OutputFormat.Table, once: false, TimeSpan.FromMilliseconds(10), interrupt.Token));

        string[] lines = _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length >= 4, _output.ToString());
        // It is new in the second sample, and nothing is known of it before.
        Assert.Equal(["0.00%", "50.00%"], new[] { lines[1], lines[3] }.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3]));
        Assert.Equal("watari: host-b: gone\n", _errors.ToString());

        Task<Listing<UsageSample>> Sample()
        {
            samples++;
            if (samples == 4) interrupt.Cancel();
            ContainerUsage[] web = samples == 1 ? [] : [new ContainerUsage("web", "web", TimeSpan.FromSeconds(samples * 0.5), null, null, null, null, null, null)];
            return Task.FromResult(new Listing<UsageSample>([new UsageSample(new VmId("host-a", "vm-a"), TimeSpan.FromSeconds(samples), [.. web])], ["host-b: gone"]));
        }
    }

    [Theory]
    [InlineData("top nowhere", 3, "There is no container 'nowhere'")]
    [InlineData("stats nowhere --no-stream", 3, "There is no container 'nowhere'")]
    [InlineData("stats --vm vm-x --no-stream", 3, "There is no VM 'vm-x'")]
    [InlineData("stats -o json", 2, "-o json and -o yaml need --no-stream.")]
    [InlineData("stats -i 0", 2, "--interval is from 0.1 to 3600 seconds.")]
    [InlineData("doctor vm-x", 3, "There is no VM 'vm-x' (there are: host-a/vm-a, host-b/vm-b, host-b/vm-c)")]
    [InlineData("dmesg vm-x", 3, "There is no VM 'vm-x'")]
    [InlineData("dmesg vm-a -l loud", 2, "'loud' is no level: there are emerg, alert, crit, err, warn, notice, info and debug.")]
    [InlineData("dmesg vm-a -l err++", 2, "'err++' is no level")]
    [InlineData("dmesg vm-a -o yaml", 2, "'yaml' is no form of output: there are table and json.")]
    [InlineData("checkpoint redis", 2, "Name an archive with --export, or a directory with --directory.")]
    [InlineData("checkpoint redis -e /tmp/a.tar --directory /tmp", 2, "Name an archive with --export, or a directory with --directory.")]
    [InlineData("checkpoint redis --directory /tmp --ignore-rootfs", 2, "--ignore-rootfs is about an archive: name one with --export.")]
    [InlineData("checkpoint redis -e /tmp/a.tar -c lz4", 2, "'lz4' is no compression: there are none, gzip and zstd.")]
    [InlineData("checkpoint redis --directory /tmp -o wide", 2, "'wide' is no form of output: there are table, json and yaml.")]
    [InlineData("dmesg vm-a -f -o json", 2, "--follow prints lines, not json.")]
    public async Task what_cannot_be_looked_at_is_said_with_a_code(string line, int code, string says)
    {
        Run run = await (await hosts.Cluster).WatariAsync(line.Split(' '));

        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Equal(code, run.Code);
    }

    private static VmExamination Examination(CheckLevel worst) => new(
        new VmId("host-a", "vm-a"),
        [
            new VmCheck("monitor", CheckLevel.Ok, "QEMU 7.2.22 (pc-q35-7.2, kvm), 2 vCPU, running"),
            new VmCheck("kernel", worst, "\u001b[31mLinux", "boot another"),
            new VmCheck("clock", CheckLevel.NotLookedAt, "not looked at"),
        ]);

    private static KernelLogPiece[] Pieces(params KernelLogEntry[] entries) => [Piece(entries, isLast: true)];

    private static KernelLogPiece Piece(KernelLogEntry[] entries, bool isLast) => new([.. entries], entries.Length == 0 ? 0 : entries[^1].Sequence + 1, isLast, Boot);

    private Task Print(KernelLogPiece[] pieces, bool json = false, bool wallClock = false, IReadOnlySet<int>? levels = null)
    {
        int piece = 0;
        return DmesgCommand.PrintAsync((_, _) => Task.FromResult(pieces[piece++]), new LogView(Terminal, json, wallClock, levels), follow: false, TestContext.Current.CancellationToken);
    }
}
