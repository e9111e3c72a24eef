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
    private static readonly OutputFormat[] All = Enum.GetValues<OutputFormat>();

    /// <summary>The option of most commands, <c>--output</c>.</summary>
    /// <param name="forms">Those that the command has, two or more; all where none is named.</param>
    public static Option<OutputFormat> New(params OutputFormat[] forms)
    {
        if (forms.Length == 0) forms = All;
        return new("--output", "-o")
        {
            Description = $"Form of the output: {Words.List(forms, "or")}",
            HelpName = "FORM",
            DefaultValueFactory = _ => OutputFormat.Table,
            CustomParser = result => Words.Parse(result, "form of output", forms),
        };
    }
}
