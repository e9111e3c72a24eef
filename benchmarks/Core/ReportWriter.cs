using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.Benchmarks.Core;

/// <summary>Reports for people, and for programs.</summary>
internal static class ReportWriter
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    public static void WriteTable(Report report, TextWriter output)
    {
        output.WriteLine($"{report.Subject}: {report.Setting}");
        if (report.Setting.Guest is { } guest) output.WriteLine($"  {guest}");
        int width = report.Figures.Max(figure => figure.Name.Length);
        int unit = report.Figures.Max(figure => figure.Unit.Length);
        foreach (Figure figure in report.Figures)
        {
            string value = figure.Value.ToString(figure.Value >= 100 ? "#,0" : "0.##", CultureInfo.InvariantCulture);
            output.WriteLine($"  {figure.Name.PadRight(width)}  {value,10} {figure.Unit.PadRight(unit)}{Ratio(report, figure)}{Judgement(report, figure)}".TrimEnd());
        }
    }

    public static void WriteJson(Report report, TextWriter output) => output.WriteLine(JsonSerializer.Serialize(Json(report), s_json));

    public static void WriteJson(IEnumerable<Report> reports, TextWriter output) => output.WriteLine(JsonSerializer.Serialize(reports.Select(Json), s_json));

    private static object Json(Report report) => new
    {
        report.Subject,
        report.Setting,
        figures = report.Figures.Select(figure => new
        {
            figure.Name,
            figure.Value,
            figure.Unit,
            figure.Beside,
            ratio = report.RatioOf(figure),
            wanted = figure.Goals.Select(goal => goal.Text(figure.Unit)),
            met = report.IsMet(figure),
        }),
    };

    private static string Ratio(Report report, Figure figure) => report.RatioOf(figure) is { } ratio
        ? $"  {(ratio * 100).ToString(ratio >= 0.1 ? "0" : "0.##", CultureInfo.InvariantCulture)} % of {figure.Beside}"
        : "";

    private static string Judgement(Report report, Figure figure) => report.IsMet(figure) is { } met
        ? $"  (wanted {string.Join(" or ", figure.Goals.Select(goal => goal.Text(figure.Unit)))}: {(met ? "met" : "missed")})"
        : "";
}
