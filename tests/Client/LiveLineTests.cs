using Watari.Client.Output;

namespace Watari.Client.Tests;

public sealed class LiveLineTests
{
    private const string Doing = "redis: frozen, capturing, transferred 12 MiB of 64 MiB, remaining 52 MiB";

    [Theory]
    [InlineData(120, "| [####......]   7 s  redis: frozen, capturing, transferred 12 MiB of 64 MiB, remaining 52 MiB")]
    [InlineData(60, "| [####......]   7 s  redis: frozen, capturing, transferre…")]
    [InlineData(59, "|   7 s  redis: frozen, capturing, transferred 12 MiB of …")]
    [InlineData(12, "|   7 s  r…")]
    [InlineData(4, "| …")]
    [InlineData(1, "")]
    [InlineData(0, "")]
    public void it_never_reaches_the_last_column(int columns, string line)
    {
        string rendered = LiveLine.Render(columns, turns: 0, part: 0.4, TimeSpan.FromSeconds(7.9), Doing);

        Assert.Equal(line, rendered);
        Assert.True(rendered.Length < Math.Max(2, columns));
    }

    [Fact]
    public void what_may_be_wide_is_cut_as_if_it_were() =>
        Assert.Equal("|   0 s  渡り…", LiveLine.Render(16, turns: 0, part: 0, TimeSpan.Zero, "渡り鳥の渡り"));

    [Theory]
    [InlineData(59.9, "| [..........]  59 s  redis")]
    [InlineData(60, "| [..........]  1:00  redis")]
    [InlineData(3725, "| [..........] 62:05  redis")]
    public void time_keeps_its_columns(double seconds, string line) =>
        Assert.Equal(line, LiveLine.Render(80, turns: 0, part: 0, TimeSpan.FromSeconds(seconds), "redis"));

    [Fact]
    public async Task what_is_said_stands_above_and_the_row_is_empty_in_the_end()
    {
        var writer = new StringWriter { NewLine = "\n" };
        await using (var line = new LiveLine(writer, () => 80))
        {
            line.Show("redis: planning", 0);
            line.Say("watari: cancelling");
        }

        Assert.StartsWith("\r| [..........]   0 s  redis: planning\u001b[K\r\u001b[Kwatari: cancelling\n\r", writer.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\r\u001b[K", writer.ToString(), StringComparison.Ordinal);
    }
}
