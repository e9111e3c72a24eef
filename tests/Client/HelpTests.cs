using System.CommandLine;

namespace Watari.Client.Tests;

public sealed class HelpTests
{
    public static TheoryData<string> Commands => [.. Paths(WatariCommand.Build(Quiet), "")];

    private static Terminal Quiet => new(TextWriter.Null, TextWriter.Null, IsLive: false);

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task help_of_each_command(string command)
    {
        var output = new StringWriter();

        int code = await WatariCommand.RunAsync([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"], Quiet with { Out = output });

        Assert.Equal(0, code);
        // The program's own name is that of the test here.
        string text = output.ToString().Replace(RootCommand.ExecutableName, "watari", StringComparison.Ordinal);
        Golden.Assert($"help/{(command.Length == 0 ? "watari" : command.Replace(' ', '-'))}.txt", text);
    }

    [Theory]
    [InlineData("migrate --to b", "Name a container, or a process tree with --pid.")]
    [InlineData("migrate redis --pid 7 --to b", "Name a container, or a process tree with --pid.")]
    [InlineData("migrate --pid 7 --to b", "--pid needs --from: pids are those of one VM.")]
    [InlineData("migrate redis", "Option '--to' is required.")]
    [InlineData("migrate redis --to b --streams 99", "--streams can be 1 to 16.")]
    [InlineData("migrate redis --to b --timeout soon", "'soon' is no time: write 90, 90s, 2m or 1h.")]
    [InlineData("ps -o xml", "'xml' is no form of output: there are table, wide, json and yaml.")]
    [InlineData("pause", "Name containers, or take them all with --all.")]
    [InlineData("unpause redis --all", "Name containers, or take them all with --all.")]
    [InlineData("kill redis -s FOO", "'FOO' is no signal: write a name as TERM or SIGTERM, or a number from 1 to 64.")]
    [InlineData("pause redis --by magic", "'magic' is no one to do it: there are outside and agent.")]
    [InlineData("stop redis -t -1", "--time is from 0 to 86400 seconds.")]
    [InlineData("exec redis", "Required argument missing for command: 'exec'.")]
    [InlineData("exec -it redis sh", "watari exec gives a command no terminal: leave -t (-i for -it).")]
    [InlineData("exec -e =x redis sh", "'=x' is no variable: write NAME=VALUE, or NAME for the value that it has here.")]
    [InlineData("fly redis", "Unrecognized command or argument 'fly'.")]
    [InlineData("hosts --config /nowhere/watari.json", "watari.json")]
    public async Task a_wrong_command_line_is_told_on_stderr_with_code_2(string line, string says)
    {
        (StringWriter output, StringWriter errors) = (new(), new());

        int code = await WatariCommand.RunAsync(line.Split(' '), Quiet with { Out = output, Error = errors });

        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(says, errors.ToString(), StringComparison.Ordinal);
        Assert.Empty(output.ToString());
    }

    private static IEnumerable<string> Paths(Command command, string path) =>
        command.Subcommands.SelectMany(sub => Paths(sub, $"{path} {sub.Name}".TrimStart())).Prepend(path);
}
