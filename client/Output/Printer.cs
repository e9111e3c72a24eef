using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;
using YamlDotNet.Serialization;

namespace Watari.Client.Output;

/// <summary>A column of a list.</summary>
/// <param name="Wide">Shown by <c>-o wide</c> alone.</param>
internal sealed record Column<T>(string Title, Func<T, string> Cell, bool Wide = false, bool Right = false);

/// <summary>Prints data in the form that was asked for. JSON and YAML are of one model; a table is what of it a person needs.</summary>
internal static class Printer
{
    public static void List<T>(Terminal terminal, OutputFormat format, IReadOnlyList<T> items, JsonTypeInfo<IReadOnlyList<T>> type, params Column<T>[] columns)
    {
        if (format is OutputFormat.Json or OutputFormat.Yaml) Document(terminal, format, items, type);
        else Table(terminal.Out, items, [.. columns.Where(c => format == OutputFormat.Wide || !c.Wide)]);
    }

    public static void Document<T>(Terminal terminal, OutputFormat format, T document, JsonTypeInfo<T> type)
    {
        string json = JsonSerializer.Serialize(document, type);
        if (format == OutputFormat.Json)
        {
            terminal.Out.WriteLine(json);
            return;
        }

        using var parsed = JsonDocument.Parse(json);
        terminal.Out.Write(new SerializerBuilder().WithQuotingNecessaryStrings().Build().Serialize(Plain(parsed.RootElement)!));
    }

    /// <summary>Columns two spaces apart, as wide as their widest cell, without a frame: a line is a record, for eyes and for awk.</summary>
    public static void Table<T>(TextWriter writer, IReadOnlyList<T> items, Column<T>[] columns)
    {
        var table = new Table().NoBorder();
        table.ShowHeaders = true;
        foreach (Column<T> column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column.Title)) { NoWrap = true, Alignment = column.Right ? Justify.Right : Justify.Left, Padding = new Padding(0, 0, 2, 0) });
        }

        foreach (T item in items) table.AddRow(columns.Select(c => new Text(Clean(c.Cell(item)))));
        writer.Write(Render(table));
    }

    private static string Render(Table table)
    {
        using var buffer = new StringWriter { NewLine = "\n" };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(buffer),
        });
        console.Profile.Width = 10_000;
        console.Write(table);
        return string.Join('\n', buffer.ToString().Split('\n').Select(line => line.TrimEnd()));
    }

    /// <summary>Names and command lines come out of guests: nothing in them may steer a terminal.</summary>
    public static string Clean(string text) => string.Create(text.Length, text, (clean, raw) =>
    {
        for (int i = 0; i < clean.Length; i++) clean[i] = char.IsControl(raw[i]) ? '?' : raw[i];
    });

    /// <summary>As <see cref="Clean"/>; lines are parted by bars: a failure in the guest brings the end of its log.</summary>
    public static string OneLine(string text) => Clean(text.Trim().ReplaceLineEndings(" | "));

    private static object? Plain(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().ToDictionary(p => p.Name, p => Plain(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().Select(Plain).ToList(),
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Number => element.TryGetInt64(out long whole) ? whole : element.GetDouble(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };
}
