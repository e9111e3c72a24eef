using System.Diagnostics;
using Watari.Client.Commands;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>Commands in containers: what goes in, what comes out, how they end; asked of real silos.</summary>
public sealed class ExecTests(TwoHosts hosts)
{
    [Theory]
    [InlineData("exec web echo -n --help -- -i", 0, "-n --help -- -i\n", "")]
    [InlineData("exec web -- echo a", 0, "a\n", "")]
    [InlineData("exec web both", 0, "out\n", "err\n")]
    [InlineData("exec web exit 42", 42, "", "")]
    [InlineData("exec web nothing", 127, "", "not found\n")]
    [InlineData("exec web cat", 0, "", "")]
    [InlineData("exec -u 7:8 -w /tmp -e A=b --env C= web told -u x", 0, "told -u x as 7:8 in /tmp with A=b C=\n", "")]
    public async Task what_a_command_writes_goes_where_it_belongs_and_its_code_is_watari_s(string line, int code, string output, string errors) =>
        Assert.Equal(new Run(code, output, errors), await (await hosts.Cluster).WatariAsync(line.Split(' ')));

    [Fact]
    public async Task what_comes_on_standard_input_is_given_as_it_is_taken_and_ends()
    {
        string input = string.Concat(Enumerable.Range(0, 20).Select(i => $"line {i}\n"));

        Assert.Equal(new Run(0, input, "begun\n"), await (await hosts.Cluster).WatariWithInputAsync(input, "exec", "-i", "web", "cat"));
    }

    [Fact]
    public async Task without_an_agent_and_without_a_container_nothing_is_begun()
    {
        await using ScriptedCluster cluster = await ScriptedCluster.StartAsync();
        cluster.World.Change(state => state.Vms[0] = state.Vms[0] with { HasAgent = false });

        Run exec = await cluster.WatariAsync("exec", "web", "echo");
        Run stop = await cluster.WatariAsync("stop", "web");
        Run unknown = await cluster.WatariAsync("exec", "nowhere", "echo");

        Assert.Equal((4, "watari: No guest agent answers in VM 'vm-a'.\n"), (exec.Code, exec.Error));
        Assert.Equal((4, "watari: No guest agent answers in VM 'vm-a'.\n"), (stop.Code, stop.Error));
        Assert.Equal(3, unknown.Code);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task a_signal_ends_the_command_and_not_the_console_alone(string signal)
    {
        ScriptedCluster cluster = await hosts.Cluster;
        string container = cluster.AddContainer();
        using Process watari = cluster.Processes.StartWatari("exec", container, "hang");
        await WatariProcesses.UntilSaysAsync(watari, "begun");
        await WatariProcesses.SignalAsync(watari, signal);
        Run run = await WatariProcesses.EndAsync(watari);

        Assert.Equal((130, ""), (run.Code, run.Out));
        Assert.Contains($"host-a: {container}: command ended", cluster.World.Read().Journal);
    }

    [Theory]
    [InlineData("exec c ls -l", "exec c -- ls -l")]
    [InlineData("exec -i -e A=b --user root c ls", "exec -i -e A=b --user root c -- ls")]
    [InlineData("--config f exec -w=/ c -- ls", "--config f exec -w=/ c -- ls")]
    [InlineData("exec c", "exec c")]
    [InlineData("ps -a", "ps -a")]
    [InlineData("kill exec c -s TERM", "kill exec c -s TERM")]
    public void what_follows_the_container_is_the_command(string line, string parted) => Assert.Equal(parted, string.Join(' ', ExecCommand.Part(line.Split(' '))));
}
