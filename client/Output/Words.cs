using System.CommandLine.Parsing;
using System.Text.Json;

namespace Watari.Client.Output;

/// <summary>Values that are written as words: <c>landing-zone</c> for <c>LandingZone</c>.</summary>
internal static class Words
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary><c>table, json or yaml</c>.</summary>
    /// <param name="values">Two or more.</param>
    /// <param name="last">What joins the last to the others: "or", "and".</param>
    public static string List<T>(IReadOnlyList<T> values, string last)
        where T : struct, Enum => List([.. values.Select(Of)], last);

    /// <inheritdoc cref="List{T}(IReadOnlyList{T}, string)"/>
    public static string List(IReadOnlyList<string> words, string last) => $"{string.Join(", ", words.SkipLast(1))} {last} {words[^1]}";

    /// <summary>The value that an option was given; an error that names all there are where it is none.</summary>
    /// <param name="result">The option's only token.</param>
    /// <param name="kind">What the words are, for the error: "form of output".</param>
    public static T Parse<T>(ArgumentResult result, string kind)
        where T : struct, Enum => Parse(result, kind, Enum.GetValues<T>());

    /// <summary>The same where only some values will do.</summary>
    public static T Parse<T>(ArgumentResult result, string kind, IReadOnlyList<T> among)
        where T : struct, Enum
    {
        string text = result.Tokens[0].Value;
        foreach (T value in among)
        {
            if (Of(value).Equals(text, StringComparison.OrdinalIgnoreCase)) return value;
        }

        result.AddError($"'{text}' is no {kind}: there are {List(among, "and")}.");
        return default;
    }
}
