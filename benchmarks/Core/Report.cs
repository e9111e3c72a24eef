using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Watari.Benchmarks.Core;

/// <summary>The figures of one run, each beside its ceiling: absolute values are this machine's, ratios carry over.</summary>
internal sealed class Report(string subject)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private readonly List<Figure> _figures = [];

    public void Add(Figure figure) => _figures.Add(figure);

    public void WriteTable(TextWriter output)
    {
        output.WriteLine($"{subject} on {Environment.ProcessorCount} CPUs, {RuntimeInformation.OSDescription}");
        int width = _figures.Max(f => f.Name.Length);
        foreach (Figure figure in _figures)
        {
            string value = figure.Value.ToString(figure.Value >= 100 ? "#,0" : "0.##", CultureInfo.InvariantCulture);
            string line = $"  {figure.Name.PadRight(width)}  {value,10} {figure.Unit,-6}";
            if (RatioOf(figure) is { } ratio)
                line += string.Create(CultureInfo.InvariantCulture, $"  {ratio:P0} of {figure.Ceiling}") + Judgement(figure, ratio);
            output.WriteLine(line.TrimEnd());
        }
    }

    public void WriteJson(TextWriter output) => output.WriteLine(JsonSerializer.Serialize(new
    {
        subject,
        cpus = Environment.ProcessorCount,
        system = RuntimeInformation.OSDescription,
        figures = _figures.Select(f => new { f.Name, f.Value, f.Unit, f.Ceiling, ratio = RatioOf(f), f.Target }),
    }, Json));

    private static string Judgement(Figure figure, double ratio) => figure.Target is not { } target ? ""
        : string.Create(CultureInfo.InvariantCulture, $" (wanted {target:P0}: {(ratio >= target ? "met" : "missed")})");

    private double? RatioOf(Figure figure) =>
        figure.Ceiling is null ? null : figure.Value / _figures.Single(f => f.Name == figure.Ceiling).Value;
}
