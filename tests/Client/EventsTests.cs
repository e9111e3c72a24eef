using System.Text.Json;
using Watari.Processes;

namespace Watari.Client.Tests;

/// <summary>What is printed of events, asked of real silos.</summary>
public sealed class EventsTests(TwoHosts hosts)
{
    private const string Create = "1970-01-01T00:00:01.000Z create 0123456789ab web host-a/vm-a (image=localhost/web:1)\n";
    private const string Rename = "1970-01-01T00:00:02.000Z rename 0123456789ab web?[2J host-a/vm-a (oldName=web, image=localhost/web:1)\n";
    private const string Die = "1970-01-01T00:00:03.000Z die fedcba987654 db host-a/vm-a (exitCode=137)\n";

    [Theory]
    [InlineData("", Create + Rename + Die)]
    [InlineData("web", Create + Rename)]
    [InlineData("fedcba", Die)]
    [InlineData("-f event=died -f event=create", Create + Die)]
    [InlineData("-f event=destroy", "")]
    [InlineData("-f image=localhost/web -f event=rename -f vm=vm-a", Rename)]
    [InlineData("-f vm=host-a/vm-a -f runtime=docker -f host=host-a", Die)]
    [InlineData("-f vm=vm-b", "")]
    public async Task events_are_lines_of_those_that_are_wanted_and_none_can_steer_a_terminal(string options, string expected)
    {
        Run run = await (await hosts.Cluster).WatariAsync(["events", "--since", "0", "--until", "5", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);

        Assert.Equal(new Run(0, expected, "watari: host-b/vm-c hangs.\n"), run);
    }

    [Fact]
    public async Task those_before_a_time_or_of_no_time_that_was_asked_for_are_left_out()
    {
        ScriptedCluster cluster = await hosts.Cluster;

        Assert.Equal(Rename, (await cluster.WatariAsync("events", "--since", "2", "--until", "2")).Out);
        Assert.Equal("", (await cluster.WatariAsync("events", "--until", "1s")).Out);
    }

    [Fact]
    public async Task for_programs_each_is_an_object_on_a_line()
    {
        Run run = await (await hosts.Cluster).WatariAsync("events", "--since", "0", "--until", "5", "-o", "json", "-f", "event=die");

        JsonElement told = JsonDocument.Parse(Assert.Single(run.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
        Assert.Equal(
            ("die", "fedcba9876543210", "db", "vm-a", 137, JsonValueKind.Null, JsonValueKind.Null),
            (told.GetProperty("event").GetString(), told.GetProperty("id").GetString(), told.GetProperty("name").GetString(), told.GetProperty("vm").GetString(), told.GetProperty("exitCode").GetInt32(),
             told.GetProperty("image").ValueKind, told.GetProperty("job").ValueKind));
    }

    [Theory]
    [InlineData("-f colour=red", "'colour' is no filter: there are container, event, host, image, runtime and vm.")]
    [InlineData("-f event=fly", "'fly' is no event: there are create, start, pause, unpause, die, remove, rename, checkpoint, restore and migrate.")]
    [InlineData("-f vm", "vm needs a value: write vm=VALUE.")]
    [InlineData("--since soon", "'soon' is no time")]
    public async Task what_is_no_filter_is_said(string options, string says)
    {
        Run run = await (await hosts.Cluster).WatariAsync(["events", .. options.Split(' ')]);

        Assert.Equal((2, ""), (run.Code, run.Out));
        Assert.Contains(says, run.Error, StringComparison.Ordinal);
    }
}
