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
        CustomParser = result => Words.Parse<OutputFormat>(result, "form of output"),
    };
}
