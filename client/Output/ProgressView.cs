using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

/// <summary>Where a person sees how far a job is, until it is disposed of.</summary>
internal interface IProgressView : IAsyncDisposable
{
    void Show(MigrationJob job);

    /// <summary>A sentence that stays.</summary>
    void Say(string message);
}

/// <summary>On a terminal: a line that is redrawn in place.</summary>
internal sealed class LiveView(Terminal terminal) : IProgressView
{
    private readonly LiveLine _line = new(terminal.Error, terminal.Width);

    public void Show(MigrationJob job) =>
        _line.Show(Printer.Clean(Sentences.Progress(job)), (double)Math.Min((int)job.State, (int)MigrationState.Done) / (int)MigrationState.Done);

    public void Say(string message) => _line.Say(Terminal.Line(message));

    public ValueTask DisposeAsync() => _line.DisposeAsync();
}

/// <summary>In a pipe: a line for each change.</summary>
internal sealed class PlainView(Terminal terminal) : IProgressView
{
    private string _last = "";

    public void Show(MigrationJob job)
    {
        string line = Printer.Clean(Sentences.Progress(job));
        if (line != _last) terminal.Error.WriteLine(line);
        _last = line;
    }

    public void Say(string message) => terminal.Say(message);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
