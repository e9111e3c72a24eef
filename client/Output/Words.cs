using System.CommandLine.Parsing;
using System.Text.Json;

namespace Watari.Client.Output;

/// <summary>Values that are written as words: <c>landing-zone</c> for <c>LandingZone</c>.</summary>
internal static class Words
{
    public static string Of<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>The value that an option was given; an error that names all there are where it is none.</summary>
    /// <param name="result">The option's only token.</param>
    /// <param name="kind">What the words are, for the error: "form of output".</param>
    public static T Parse<T>(ArgumentResult result, string kind)
        where T : struct, Enum
    {
        string text = result.Tokens[0].Value;
        foreach (T value in Enum.GetValues<T>())
        {
            if (Of(value).Equals(text, StringComparison.OrdinalIgnoreCase)) return value;
        }

        string[] known = [.. Enum.GetValues<T>().Select(Of)];
        result.AddError($"'{text}' is no {kind}: there are {string.Join(", ", known[..^1])} and {known[^1]}.");
        return default;
    }
}
