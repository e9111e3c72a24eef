using System.Text.Json;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>What the console lists, refuses and saves, asked of real silos.</summary>
public sealed class ConsoleTests(TwoHosts hosts)
{
    [Fact]
    public async Task what_there_is_is_listed()
    {
        ScriptedCluster cluster = await hosts.Cluster;

        Run names = await cluster.WatariAsync("hosts", "-o", "json");
        Run vms = await cluster.WatariAsync("vms");
        Run ids = await cluster.WatariAsync("ps", "--vm", "vm-a", "-q");

        Assert.Equal(["host-a", "host-b"], JsonDocument.Parse(names.Out).RootElement.EnumerateArray().Select(h => h.GetProperty("name").GetString()));
        Assert.Equal(["NAME", "vm-a", "vm-b", "vm-c"], vms.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ')[0]));
        Assert.Contains("redis", ids.Out.Split('\n'));
    }

    [Theory]
    [InlineData("migrate nothing --to vm-b", 3, "There is no container 'nothing' (there are:")]
    [InlineData("migrate redis --to vm-x", 3, "There is no VM 'vm-x' (there are: host-a/vm-a, host-b/vm-b, host-b/vm-c)")]
    [InlineData("migrate redis --to host-x/vm-b", 3, "There is no host 'host-x' (there are: host-a, host-b)")]
    [InlineData("migrate redis --from host-b/vm-c --to vm-a", 3, "There is no container 'redis' in host-b/vm-c (there are: none)")]
    [InlineData("migrate redis --to vm-a", 4, "is in host-a/vm-a already")]
    [InlineData("migrate packet --to vm-b", 4, "packet sockets are not carried")]
    [InlineData("migrate packet --to vm-b --dry-run", 4, "packet sockets are not carried")]
    [InlineData("migrate --pid 4711 --from vm-a --to vm-b", 3, "There is no container 'pid 4711' in host-a/vm-a")]
    [InlineData("jobs show nothing", 3, "There is no job 'nothing'")]
    [InlineData("jobs cancel nothing", 3, "There is no job 'nothing'")]
    public async Task what_cannot_be_done_is_said_with_a_hint_and_a_code(string line, int code, string says)
    {
        Run run = await (await hosts.Cluster).WatariAsync(line.Split(' '));

        Assert.Contains(says, run.Error, StringComparison.Ordinal);
        Assert.Equal(code, run.Code);
    }

    [Fact]
    public async Task a_dry_run_touches_nothing()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();

        Run run = await cluster.WatariAsync("migrate", container, "--to", "vm-b", "--dry-run", "-o", "json");

        Assert.Equal(0, run.Code);
        Assert.True(JsonDocument.Parse(run.Out).RootElement.GetProperty("accepted").GetBoolean());
        Assert.Empty(await cluster.JobsOfAsync(container));
        cluster.AssertRunsOnlyIn("host-a", container);
    }

    [Fact]
    public async Task a_checkpoint_is_saved_on_the_host_and_the_container_runs_on()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        using var folder = new Folder();

        Run run = await cluster.WatariAsync("checkpoint", "web", "--vm", "vm-a", "--directory", folder.Path, "--leave-running");

        Assert.Equal((0, ""), (run.Code, run.Code == 0 ? "" : run.Error));
        Assert.StartsWith($"saved web of host-a/vm-a to {folder.Path}", run.Out, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder.Path, "inventory.img")));
        cluster.AssertRunsOnlyIn("host-a", "web");
    }

    [Fact]
    public async Task an_archive_is_saved_on_the_host_and_restored_under_another_name()
    {
        ScriptedCluster cluster = await hosts.Cluster;
        using var folder = new Folder();
        string archive = Path.Combine(folder.Path, "web.tar.zst");

        Run saved = await cluster.WatariAsync("checkpoint", "web", "--vm", "vm-a", "-e", archive, "-R");
        Run restored = await cluster.WatariAsync("restore", archive, "--to", "vm-b", "--name", "web-of-yesterday");

        Assert.Equal((0, ""), (saved.Code, saved.Code == 0 ? "" : saved.Error));
        Assert.Equal((0, ""), (restored.Code, restored.Code == 0 ? "" : restored.Error));
        Assert.StartsWith($"restored web-of-yesterday from {archive} into host-b/vm-b (", restored.Out, StringComparison.Ordinal);
        cluster.AssertRunsOnlyIn("host-b", "web-of-yesterday");
        cluster.AssertRunsOnlyIn("host-a", "web");
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("watari-images-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
