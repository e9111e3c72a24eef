using System.Text;
using System.Text.Json.Nodes;

namespace Watari.Client.Output;

/// <summary>
/// A <c>--format</c> as docker and podman take it, as far as fields go: text, <c>{{.Names}}</c>, <c>{{.State.Status}}</c>, <c>{{json .}}</c>,
/// <c>{{json .Mounts}}</c>, <c>{{index .Config.Labels "key"}}</c>; <c>\t</c> and <c>\n</c> are a tab and a new line. Go's templates know much
/// more; what is not known here is an error.
/// </summary>
internal sealed class FieldTemplate
{
    private const string Open = "{{", Close = "}}";

    private readonly List<Part> _parts;

    private FieldTemplate(List<Part> parts) => _parts = parts;

    /// <exception cref="CommandException">It is none.</exception>
    public static FieldTemplate Parse(string format)
    {
        string text = format.Replace(@"\t", "\t", StringComparison.Ordinal).Replace(@"\n", "\n", StringComparison.Ordinal);
        List<Part> parts = [];
        while (text.Length > 0)
        {
            int open = text.IndexOf(Open, StringComparison.Ordinal);
            if (open != 0) parts.Add(new Part(open < 0 ? text : text[..open], null, null, IsJson: false));
            if (open < 0) break;
            int close = text.IndexOf(Close, open, StringComparison.Ordinal);
            if (close < 0) throw Wrong($"'{text[open..]}' has no end: write {{{{.Field}}}}");
            parts.Add(ParseAction(text[(open + Open.Length)..close].Trim()));
            text = text[(close + Close.Length)..];
        }

        return new FieldTemplate(parts);
    }

    /// <summary>What it makes of an object, on as many lines as it has.</summary>
    /// <exception cref="CommandException">It names a field that the object has not.</exception>
    public string Of(JsonObject item)
    {
        var text = new StringBuilder();
        foreach (Part part in _parts)
        {
            if (part.Path is not { } path)
            {
                text.Append(part.Text);
                continue;
            }

            JsonNode? found = path.Aggregate((JsonNode?)item, Field);
            if (part.Key is { } key) found = found is JsonObject map && map.TryGetPropertyValue(key, out JsonNode? value) ? value : null;
            text.Append(Printer.Clean(part.IsJson ? found?.ToJsonString() ?? "null" : TextOf(found)));
        }

        return text.ToString();
    }

    /// <summary>What stands over its column in a table: the names of its fields.</summary>
    public string Title(IReadOnlyDictionary<string, string> titles) => string.Join(' ', _parts.Where(part => part.Path is { Length: > 0 }).Select(part =>
        titles.TryGetValue(part.Path![^1], out string? title) ? title : part.Path[^1].ToUpperInvariant()));

    private static Part ParseAction(string action)
    {
        if (action.StartsWith("json ", StringComparison.Ordinal)) return new Part("", PathOf(action["json ".Length..].Trim(), action), null, IsJson: true);
        if (action.StartsWith("index ", StringComparison.Ordinal) && action["index ".Length..].Trim().Split(' ', 2, StringSplitOptions.TrimEntries) is [var map, ['"', .. var key, '"']])
            return new Part("", PathOf(map, action), key, IsJson: false);
        return new Part("", PathOf(action, action), null, IsJson: false);
    }

    private static string[] PathOf(string path, string action)
    {
        if (path == ".") return [];
        string[] names = path.Split('.');
        return names is ["", _, ..] && names.Skip(1).All(name => name.Length > 0 && name.All(char.IsLetterOrDigit))
            ? names[1..]
            : throw Wrong($"'{Open}{action}{Close}' is not known here: there are {{{{.Field}}}}, {{{{json .}}}}, {{{{json .Field}}}} and {{{{index .Field \"key\"}}}}");
    }

    private static JsonNode? Field(JsonNode? of, string name) => of is JsonObject fields
        ? fields.TryGetPropertyValue(name, out JsonNode? value) ? value : throw Wrong($"there is no field '{name}': there are {string.Join(", ", fields.Select(field => field.Key))}")
        : of is null ? null : throw Wrong($"'{name}' is no field: what it is asked of has none");

    private static string TextOf(JsonNode? node) => node switch
    {
        null => "",
        JsonValue value when value.TryGetValue(out string? text) => text,
        _ => node.ToJsonString(),
    };

    private static CommandException Wrong(string what) => new(ExitCodes.Usage, $"--format: {what}.");

    /// <param name="Text">As it is, where there is no path.</param>
    /// <param name="Path">The fields that lead to a value; empty for all.</param>
    /// <param name="Key">Of a map that the path leads to.</param>
    private sealed record Part(string Text, string[]? Path, string? Key, bool IsJson);
}
