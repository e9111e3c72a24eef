using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Tests;

public sealed class OutputTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);
    private readonly StringWriter _output = new();

    public void Dispose() => _output.Dispose();

    private Terminal Terminal => new(_output, TextWriter.Null, IsLive: false);

    [Theory]
    [InlineData(nameof(OutputFormat.Json))]
    [InlineData(nameof(OutputFormat.Yaml))]
    public void a_migration_as_data(string format)
    {
        Printer.Document(Terminal, Enum.Parse<OutputFormat>(format), MigrationView.Of(Done), Views.Default.MigrationView);

        Golden.Assert($"migration.{format.ToLowerInvariant()}", _output.ToString());
    }

    [Fact]
    public void a_failed_migration_as_data()
    {
        Printer.Document(Terminal, OutputFormat.Json, MigrationView.Of(RolledBack), Views.Default.MigrationView);

        Golden.Assert("migration-rolled-back.json", _output.ToString());
    }

    [Theory]
    [InlineData("done")]
    [InlineData("rolled-back")]
    public void a_job_for_people(string which)
    {
        JobSheet.Write(_output, which == "done" ? Done : RolledBack);

        Golden.Assert($"job-{which}.txt", _output.ToString());
    }

    [Theory]
    [InlineData(nameof(OutputFormat.Table))]
    [InlineData(nameof(OutputFormat.Wide))]
    [InlineData(nameof(OutputFormat.Json))]
    [InlineData(nameof(OutputFormat.Yaml))]
    public void a_list_in_each_form(string format)
    {
        HostView[] hosts =
        [
            HostView.Of(new HostDescription("host-a", 16, 64L << 30, 0.25, 12, "0.1.0")),
            HostView.Of(new HostDescription("host-b", 0, 0, 0, 0, "", "no answer within 5 s")),
        ];

        Printer.List(
            Terminal, Enum.Parse<OutputFormat>(format), hosts, Views.Default.IReadOnlyListHostView,
            new("NAME", h => h.Name), new("MEMORY", h => Human.Bytes(h.MemoryBytes), Right: true), new("PROBLEM", h => h.Problem ?? "", Wide: true));

        Golden.Assert($"list.{format.ToLowerInvariant()}", _output.ToString());
    }

    [Fact]
    public void nothing_that_a_guest_has_named_can_steer_a_terminal()
    {
        Printer.Table<string>(_output, ["\u001b[2Jredis\n\u0007", "[red]web[/]"], [new("NAME", name => name)]);

        Assert.Equal("NAME\n?[2Jredis??\n[red]web[/]\n", _output.ToString());
    }

    [Fact]
    public void the_last_line_of_a_migration() => Assert.Equal(
        "migrated redis host-a/vm-a -> host-b/vm-b in 4.2 s, downtime 38 ms (freeze 3, capture 9, thaw 1.5, control 24), 512 MiB sent (60 % zero or known), volumes 64 MiB ahead and 192 KiB within the downtime",
        Sentences.Last(Done));

    [Fact]
    public void the_last_line_of_a_failure_says_why_and_where_the_container_is() => Assert.Equal(
        "failed: criu restore failed (-52). redis runs on in host-a/vm-a",
        Sentences.Last(RolledBack));

    [Fact]
    public void the_last_line_of_a_cancellation_says_where_the_container_is() => Assert.Equal(
        "cancelled: redis runs on in host-a/vm-a",
        Sentences.Last(RolledBack with { Failure = new JobFailure(FailureKind.Cancelled, "The migration was cancelled.", MigrationState.Frozen, Noon) }));

    [Fact]
    public void every_end_has_its_exit_code()
    {
        Assert.Equal(0, ExitCodes.Of(Done));
        Assert.Equal(0, ExitCodes.Of(Done with { State = MigrationState.Committed, Destination = SideOutcome.Settled }));
        Assert.Equal(3, ExitCodes.Of(Refused(FailureKind.NotFound)));
        Assert.Equal(4, ExitCodes.Of(Refused(FailureKind.Refused)));
        Assert.Equal(5, ExitCodes.Of(RolledBack));
        Assert.Equal(5, ExitCodes.Of(RolledBack with { State = MigrationState.Restoring }));
        Assert.Equal(6, ExitCodes.Of(RolledBack with { State = MigrationState.Restoring, Source = SideOutcome.Open }));
        Assert.Equal(6, ExitCodes.Of(RolledBack with { Source = SideOutcome.Lost }));
        Assert.Equal(130, ExitCodes.Of(RolledBack with { Failure = new JobFailure(FailureKind.Cancelled, "", MigrationState.Frozen, Noon) }));
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(50L << 20, "50 MiB")]
    [InlineData(3L << 40, "3 TiB")]
    public void sizes_as_people_read_them(long bytes, string text) => Assert.Equal(text, Human.Bytes(bytes));

    private static MigrationJob Refused(FailureKind kind) =>
        Done with { State = MigrationState.Refused, Failure = new JobFailure(kind, "No.", MigrationState.Planned, Noon) };

    private static MigrationJob Done { get; } = Job(
        (MigrationState.Planned, 0), (MigrationState.Preparing, 120), (MigrationState.PreCopying, 900), (MigrationState.Frozen, 905), (MigrationState.Captured, 915),
        (MigrationState.Restoring, 915), (MigrationState.Ready, 4050), (MigrationState.Committed, 4055), (MigrationState.Done, 4200)) with
    {
        Phases = [Phase("freeze", 902, 3), Phase("capture", 906, 9), Phase("thaw", 938.5, 1.5)],
        Downtime = new Downtime(38, [Phase("freeze", 902, 3), Phase("capture", 906, 9), Phase("thaw", 938.5, 1.5), Phase("control", 902, 24.5)]),
        Transfer = new TransferStatistics(1280L << 20, 512L << 20, 131072, 196608, 0),
        Volumes = new VolumeStatistics(64L << 20, 192 << 10),
        Source = SideOutcome.Settled,
        Destination = SideOutcome.Settled,
    };

    private static MigrationJob RolledBack { get; } = Job(
        (MigrationState.Planned, 0), (MigrationState.Preparing, 120), (MigrationState.PreCopying, 900), (MigrationState.Frozen, 905), (MigrationState.Captured, 915),
        (MigrationState.Restoring, 915), (MigrationState.RolledBack, 2500)) with
    {
        Epoch = new Epoch(2),
        Phases = [Phase("freeze", 902, 3), Phase("capture", 906, 9)],
        Failure = new JobFailure(FailureKind.RestoreFailed, "criu restore failed (-52)", MigrationState.Restoring, Noon.AddMilliseconds(2300)),
        Source = SideOutcome.Settled,
        Destination = SideOutcome.Settled,
    };

    private static MigrationJob Job(params (MigrationState State, double At)[] history) => new()
    {
        Id = "k7m2q4xw",
        Request = new MigrationRequest(WorkloadId.OfContainer("redis"), new VmId("host-a", "vm-a"), new VmId("host-b", "vm-b")),
        State = history[^1].State,
        Epoch = new Epoch(1),
        History = [.. history.Select(h => new StateChange(h.State, Noon.AddMilliseconds(h.At)))],
    };

    private static PhaseTiming Phase(string name, double at, double milliseconds) => new(name, Noon.AddMilliseconds(at), milliseconds);
}
