using System.Diagnostics;
using System.Text.Json;

namespace Watari.Benchmarks.Tests;

/// <summary>The program as <c>make bench</c> runs it, but for nothing that takes long or needs a guest.</summary>
public sealed class ProgramTests
{
    private static readonly string[] s_subjects = ["all", "attach", "introspect", "second-opinion", "freeze", "capture", "memwrite", "transfer", "silo", "downtime"];

    [Fact]
    public async Task Every_subject_is_a_command()
    {
        string help = await RunAsync("--help");

        string[] commands = [.. help[help.IndexOf("Commands:", StringComparison.Ordinal)..].Split('\n').Skip(1).Select(line => line.Trim().Split(' ')[0]).Where(word => word.Length > 0)];
        Assert.Equal(s_subjects.Order(), commands.Order());
    }

    [Fact]
    public async Task A_report_for_programs_holds_each_figure_beside_its_ceiling_and_what_it_was_measured_on()
    {
        using JsonDocument report = JsonDocument.Parse(await RunAsync("transfer", "--size", "4", "--rounds", "1", "-o", "json"));

        JsonElement root = report.RootElement;
        Assert.Equal("transfer", root.GetProperty("subject").GetString());
        Assert.Equal(Environment.ProcessorCount, root.GetProperty("setting").GetProperty("cpus").GetInt32());
        Dictionary<string, JsonElement> figures = root.GetProperty("figures").EnumerateArray().ToDictionary(figure => figure.GetProperty("name").GetString()!);
        Assert.All(figures.Values, figure => Assert.True(figure.GetProperty("value").GetDouble() > 0));
        JsonElement pages = figures["pages, 2 streams"];
        double ceiling = figures[pages.GetProperty("beside").GetString()!].GetProperty("value").GetDouble();
        Assert.Equal(pages.GetProperty("value").GetDouble() / ceiling, pages.GetProperty("ratio").GetDouble(), 1e-9);
        Assert.Equal(pages.GetProperty("ratio").GetDouble() >= 0.7, pages.GetProperty("met").GetBoolean());
    }

    private static async Task<string> RunAsync(params string[] args)
    {
        using Process program = Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Watari.Benchmarks.dll"), .. args])
        {
            RedirectStandardOutput = true,
        })!;
        string output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await program.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, program.ExitCode);
        return output;
    }
}
