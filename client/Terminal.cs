using Watari.Client.Output;

namespace Watari.Client;

/// <summary>Where data and progress go, and what of it is a terminal.</summary>
/// <param name="Out">Data: what a script reads.</param>
/// <param name="Error">Progress and errors: what a person reads.</param>
/// <param name="IsLive">Progress goes to a terminal that can be redrawn.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool IsLive)
{
    private const int StandardOutput = 1, StandardError = 2;

    /// <summary>Columns of the terminal that progress goes to.</summary>
    public Func<int> Width { get; init; } = () => LiveLine.WidthOf(StandardError);

    /// <summary>Where <see cref="Out"/> and <see cref="Error"/> lead, for a container's bytes: to a terminal go none that could steer it.</summary>
    public Func<Stream> OpenOut { get; init; } = () => GuestBytes.To(Console.OpenStandardOutput(), Console.IsOutputRedirected);

    public Func<Stream> OpenError { get; init; } = () => GuestBytes.To(Console.OpenStandardError(), Console.IsErrorRedirected);

    /// <summary>What is given to a command that wants it.</summary>
    public Func<Stream> OpenIn { get; init; } = Console.OpenStandardInput;

    /// <summary>Whoever read <see cref="OpenOut"/> is gone: what is written there is lost without an error.</summary>
    public Func<bool> IsOutGone { get; init; } = () => Console.IsOutputRedirected && BrokenPipe.Is(StandardOutput);

    /// <summary><see cref="Out"/> is read by a person.</summary>
    public bool OutIsTerminal { get; init; }

    public static Terminal OfThisProcess() => new(
        Console.Out, Console.Error, !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"))
    {
        OutIsTerminal = !Console.IsOutputRedirected,
    };

    public static string Line(string message) => Printer.OneLine($"watari: {message}");

    public void Say(string message) => Error.WriteLine(Line(message));
}
