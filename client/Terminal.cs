namespace Watari.Client;

/// <summary>Where data and progress go, and what of it is a terminal.</summary>
/// <param name="Out">Data: what a script reads.</param>
/// <param name="Error">Progress and errors: what a person reads.</param>
/// <param name="IsLive">Progress goes to a terminal that can be redrawn.</param>
/// <param name="HasColour">It may be coloured, too.</param>
internal sealed record Terminal(TextWriter Out, TextWriter Error, bool IsLive, bool HasColour)
{
    public static Terminal OfThisProcess()
    {
        bool live = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb");
        return new Terminal(Console.Out, Console.Error, live, live && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")));
    }

    public void Say(string message) => Error.WriteLine($"watari: {message}");
}
