using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Watari.Client.Commands;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>Containers and images as they are listed, chosen and printed.</summary>
public sealed class InventoryTests(TwoHosts hosts) : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 1, 2, 12, 0, 0, TimeSpan.Zero);

    private static readonly ContainerDescription Web = Container("web", 'a', "vm-a", "docker", ContainerStatus.Running, Noon, command: "nginx -g 'daemon off;'");
    private static readonly ContainerDescription Job = Container("job", 'b', "vm-a", "docker", ContainerStatus.Exited, Noon.AddHours(-1), exitCode: 3, image: "localhost/job:2");
    private static readonly ContainerDescription Database = Container("database", 'c', "vm-b", "podman", ContainerStatus.Paused, Noon.AddHours(1), health: "healthy") with
    {
        PodmanRow = """{"Id":"cccc","Names":["database"],"Labels":null,"Exited":false}""",
    };

    private static readonly ContainerDescription Bare = new("bare", "bare", new VmId("host-b", "vm-b"), ContainerStatus.Running, "runc", "/bare", 7, 1, 2, 3 << 20, "sh");
    private static readonly ContainerDescription[] All = [Web, Job, Database, Bare];

    private readonly StringWriter _output = new() { NewLine = "\n" };
    private readonly StringWriter _errors = new() { NewLine = "\n" };

    private Terminal Terminal => new(_output, _errors, IsLive: false);

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
    }

    [Theory]
    [InlineData(nameof(OutputFormat.Table))]
    [InlineData(nameof(OutputFormat.Wide))]
    [InlineData(nameof(OutputFormat.Json))]
    [InlineData(nameof(OutputFormat.Yaml))]
    public void containers_in_each_form(string format)
    {
        Form(Enum.Parse<OutputFormat>(format)).Print(Terminal, All);

        Golden.Assert($"ps.{format.ToLowerInvariant()}", _output.ToString());
    }

    [Theory]
    [InlineData("{{.Names}}", "web")]
    [InlineData(@"{{.ID}}\t{{ .Status }}|{{.Vm}}", "aaaaaaaaaaaa\tUp 3 hours|vm-a")]
    [InlineData("{{json .Names}} plain", "\"web\" plain")]
    [InlineData("{{.Command}}", "\"nginx -g 'daemon of…\"")]
    [InlineData(@"table {{.ID}}\t{{.Names}} {{.RunningFor}}\t{{.ExitCode}}", "CONTAINER ID  NAMES CREATED    EXIT CODE\naaaaaaaaaaaa  web 3 hours ago  0")]
    [InlineData("no field", "no field")]
    public void a_template_prints_fields(string template, string expected)
    {
        Form(template: template).Print(Terminal, [Web]);

        Assert.Equal(expected + "\n", _output.ToString());
    }

    [Fact]
    public void lines_of_json_have_all_fields_of_docker_and_where_the_container_is()
    {
        Form(template: "json", full: true).Print(Terminal, [Web, Bare]);

        JsonObject[] rows = [.. _output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!.AsObject())];
        Assert.Equal((Web.Id, "host-a", "docker"), ((string)rows[0]["ID"]!, (string)rows[0]["Host"]!, (string)rows[0]["Runtime"]!));
        Assert.Equal("bare", (string)rows[1]["Names"]!);
    }

    [Theory]
    [InlineData("{{.Nam}}", "there is no field 'Nam': there are ID, ")]
    [InlineData("{{range .Mounts}}x{{end}}", "'{{range .Mounts}}' is not known here: there are {{.Field}}, {{json .}}")]
    [InlineData("{{.Names", "'{{.Names' has no end")]
    [InlineData("{{}}", "'{{}}' is not known here")]
    public void a_template_that_is_none_says_what_there_is(string template, string says)
    {
        CommandException wrong = Assert.Throws<CommandException>(() => Form(template: template).Print(Terminal, [Web]));

        Assert.Equal(ExitCodes.Usage, wrong.ExitCode);
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "web database bare")]
    [InlineData("name=^/?web$", "web")]
    [InlineData("name=b", "web database bare")]
    [InlineData("name=web name=bare", "web bare")]
    [InlineData("id=ccc", "database")]
    [InlineData("status=exited", "job")]
    [InlineData("status=exited status=paused", "job database")]
    [InlineData("exited=3", "job")]
    [InlineData("exited=0", "")]
    [InlineData("label=tier", "web database")]
    [InlineData("label=tier=web", "web database")]
    [InlineData("label=tier=web label=none", "")]
    [InlineData("ancestor=busybox", "web database")]
    [InlineData("ancestor=job:2 status=exited", "job")]
    [InlineData("ancestor=job status=exited", "")]
    [InlineData("ancestor=dddd", "web database")]
    [InlineData("volume=data", "web database")]
    [InlineData("volume=/data", "web database")]
    [InlineData("before=web", "job")]
    [InlineData("since=web", "database")]
    [InlineData("vm=vm-a", "web")]
    [InlineData("vm=host-b/vm-b", "database bare")]
    [InlineData("runtime=podman", "database")]
    [InlineData("health=healthy", "database")]
    [InlineData("network=bridge name=web", "web")]
    public void containers_are_chosen_as_docker_does(string filters, string names) => Assert.Equal(
        names, string.Join(' ', PsCommand.Choose(All, ContainerFilter.Parse(filters.Split(' ', StringSplitOptions.RemoveEmptyEntries)), all: false, newest: null).Select(c => c.Name)));

    [Fact]
    public void the_last_that_were_created_are_of_all_states_and_all_is_all()
    {
        Assert.Equal(["database", "web"], PsCommand.Choose(All, ContainerFilter.Parse([]), all: false, newest: 2).Select(c => c.Name));
        Assert.Equal(All, PsCommand.Choose(All, ContainerFilter.Parse([]), all: true, newest: null));
    }

    [Theory]
    [InlineData("colour=red", 2, "'colour' is no filter: there are ancestor, before, ")]
    [InlineData("status", 2, "status needs a value: write status=VALUE")]
    [InlineData("status=gone", 2, "'gone' is no status: there are running, paused, ")]
    [InlineData("exited=x", 2, "'x' is no exit code")]
    [InlineData("name=(", 2, "--filter: name: ")]
    [InlineData("since=nobody", 3, "--filter since=nobody: there is no such container.")]
    public void a_filter_that_is_none_says_what_there_is(string filter, int code, string says)
    {
        CommandException wrong = Assert.Throws<CommandException>(() => PsCommand.Choose(All, ContainerFilter.Parse([filter]), all: true, newest: null).ToArray());

        Assert.Equal(code, wrong.ExitCode);
        Assert.Contains(says, wrong.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task what_is_watched_is_printed_anew_only_when_it_has_changed()
    {
        using var interrupt = new CancellationTokenSource();
        int looks = 0;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => PsCommand.ShowAsync(
            () =>
            {
                if (++looks == 4) interrupt.Cancel();
                return Task.FromResult(new Listing<ContainerDescription>([looks < 3 ? Web : Job], ["host-b: gone"]));
            },
            Form(template: "{{.Names}}"), Terminal, watch: true, interrupt.Token));

        Assert.Equal("web\njob\n", _output.ToString());
        Assert.Equal("watari: host-b: gone\n", _errors.ToString());
    }

    [Theory]
    [InlineData("json")]
    [InlineData("yaml")]
    public void a_container_is_inspected_in_each_form(string format)
    {
        InspectCommand.Print(Terminal, format == "json" ? OutputFormat.Json : OutputFormat.Yaml, template: null, format == "json" ? [Database, Bare] : [Job]);

        Golden.Assert($"inspect.{format}", _output.ToString());
    }

    [Theory]
    [InlineData("{{.State.Status}} {{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}}", "exited 3 always")]
    [InlineData("{{json .Config.Cmd}}", "[\"sleep\",\"1000\"]")]
    [InlineData("{{index .Config.Labels \"tier\"}}", "web")]
    [InlineData("{{index .Config.Labels \"none\"}}", "")]
    public void an_inspection_by_a_template(string template, string expected)
    {
        InspectCommand.Print(Terminal, OutputFormat.Json, FieldTemplate.Parse(template), [Job]);

        Assert.Equal(expected + "\n", _output.ToString());
    }

    [Theory]
    [InlineData(nameof(OutputFormat.Wide))]
    [InlineData(nameof(OutputFormat.Json))]
    public void images_in_each_form(string format)
    {
        ImageDescription[] images =
        [
            new(Web.Vm, "docker", "localhost/busybox", "latest", $"sha256:{new string('d', 64)}", Noon, 4_500_000),
            new(Database.Vm, "podman", null, null, new string('e', 64), null, null),
        ];

        ImagesCommand.Print(Terminal, Enum.Parse<OutputFormat>(format), images, quiet: false, full: false, Noon.AddDays(3));

        Golden.Assert($"images.{format.ToLowerInvariant()}", _output.ToString());
    }

    [Fact]
    public async Task containers_and_images_of_silos_are_listed_inspected_and_not_worked_on_while_they_do_not_run()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string name = cluster.AddContainer();
        string created = cluster.AddContainer();
        cluster.World.Change(state => Scripted.ScriptedWorld.Put(state.Copies.Single(c => c.Container == created) with { State = Scripted.CopyState.Created }, state));

        Run running = await cluster.WatariAsync("ps", "--vm", "vm-a", "--format", "{{.Names}}");
        Run all = await cluster.WatariAsync("ps", "-a", "--vm", "vm-a", "--format", "{{.Names}} {{.Status}}");
        Run inspected = await cluster.WatariAsync("inspect", name, created);
        Run images = await cluster.WatariAsync("images", "-q");
        Run top = await cluster.WatariAsync("top", created);

        Assert.Contains(name, running.Out.Split('\n'));
        Assert.DoesNotContain(created, running.Out.Split('\n'));
        Assert.Contains($"{created} created", all.Out.Split('\n'));
        Assert.Equal(["running", "created"], JsonDocument.Parse(inspected.Out).RootElement.EnumerateArray().Select(c => c.GetProperty("State").GetProperty("Status").GetString()));
        Assert.Equal("0123456789ab\n", images.Out);
        Assert.Equal((4, $"watari: Container '{created}' in host-a/vm-a does not run: it is created.\n"), (top.Code, top.Error));
    }

    [Theory]
    [InlineData("ps -w -o json", 2, "-o json and -o yaml have an end, which --watch has not")]
    [InlineData("ps -q --format json", 2, "--format says the form alone")]
    [InlineData("ps -n 0", 2, "--last is 1 or more.")]
    [InlineData("ps -f colour=red", 2, "'colour' is no filter")]
    [InlineData("inspect", 2, "Required argument missing")]
    [InlineData("inspect nobody", 3, "There is no container 'nobody'")]
    [InlineData("images --vm vm-x", 3, "There is no VM 'vm-x'")]
    public async Task what_cannot_be_listed_is_said_with_a_code(string line, int code, string says)
    {
        Run run = await (await hosts.Cluster).WatariAsync(line.Split(' '));

        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Equal(code, run.Code);
    }

    private static PsForm Form(OutputFormat output = OutputFormat.Table, string? template = null, bool full = false) => new(output, template, Quiet: false, full, WithSizes: false);

    private static ContainerDescription Container(
        string name, char id, string vm, string runtime, ContainerStatus status, DateTimeOffset created, int exitCode = 0, string image = "localhost/busybox:latest", string? health = null, string command = "sleep 1000")
    {
        string full = new(id, 64);
        bool runs = status is ContainerStatus.Running or ContainerStatus.Paused;
        var details = new ContainerDetails(
            [name], image, image.Contains("busybox", StringComparison.Ordinal) ? $"sha256:{new string('d', 64)}" : $"sha256:{new string('9', 64)}", [.. command.Split(' ')],
            ImmutableDictionary<string, string>.Empty.Add("tier", "web"),
            created, created.AddSeconds(1), runs ? null : created.AddMinutes(1), exitCode, health, "always", 0, 0, false,
            [new MountDescription("volume", "data", "/var/lib/data", "/data", "local", IsReadOnly: false)], ["bridge"], [new PortDescription("0.0.0.0", 8080, 80, "tcp", 1)],
            "/var/log/container.log", "json-file", new OverlayDescription(["/l/1", "/l/0"], "/u", "/w", "/m"), null, "/bundle", "runc", null, []);
        string row = JsonSerializer.Serialize(new Dictionary<string, string>
        {
            ["ID"] = full,
            ["Names"] = name,
            ["Image"] = image,
            ["Command"] = $"\"{command}\"",
            ["CreatedAt"] = "2026-01-02 12:00:00 +0000 UTC",
            ["RunningFor"] = "3 hours ago",
            ["State"] = Words.Of(status),
            ["Status"] = runs ? "Up 3 hours" : $"Exited ({exitCode}) 2 hours ago",
            ["Labels"] = "tier=web",
            ["Mounts"] = "data",
            ["LocalVolumes"] = "1",
            ["Networks"] = "bridge",
            ["Ports"] = "0.0.0.0:8080->80/tcp",
            ["Size"] = "0B",
        });
        return new ContainerDescription(
            full, name, new VmId(vm == "vm-a" ? "host-a" : "host-b", vm), status, runtime, runs ? $"/system.slice/{runtime}-{full}.scope" : "", runs ? 812 : 0, runs ? 1 : 0, runs ? 4 : 0,
            runs ? 5 << 20 : 0, command, details, status == ContainerStatus.Exited ? "its record says running, and no process of it lives" : null, row);
    }
}
