using System.CommandLine;

namespace Watari.Client.Output;

/// <summary>The forms in which a command gives its data.</summary>
internal enum OutputFormat
{
    Table,
    Wide,
    Json,
    Yaml,
}

internal static class OutputOption
{
    public static Option<OutputFormat> New() => new("--output", "-o")
    {
        Description = "Form of the output: table, wide, json or yaml",
        HelpName = "FORM",
        DefaultValueFactory = _ => OutputFormat.Table,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (Enum.TryParse(text, ignoreCase: true, out OutputFormat format) && Enum.IsDefined(format) && char.IsLetter(text[0])) return format;
            result.AddError($"'{text}' is no form of output: there are table, wide, json and yaml.");
            return default;
        },
    };
}
