using System.Diagnostics;

namespace Watari.Processes;

/// <summary>A silo as a process of its own.</summary>
public sealed class SiloProcess : IDisposable
{
    private const string ReadyLine = " is ready at ";

    private readonly Action<string> _said;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="start">How to start it.</param>
    /// <param name="said">Takes each line of its output.</param>
    internal SiloProcess(ProcessStartInfo start, Action<string> said)
    {
        _said = said;
        Process = Process.Start(start)!;
        Process.OutputDataReceived += (_, line) => Read(line.Data);
        Process.ErrorDataReceived += (_, line) => Read(line.Data);
        Process.BeginOutputReadLine();
        Process.BeginErrorReadLine();
    }

    public Process Process { get; }

    /// <summary>Ends it as SIGKILL does, and waits until it is gone.</summary>
    public async Task KillAsync(CancellationToken cancellation = default)
    {
        if (!Process.HasExited) Process.Kill();
        await Process.WaitForExitAsync(cancellation);
    }

    public void Dispose() => Process.Dispose();

    /// <returns>False: it ended, or the time is over.</returns>
    internal async Task<bool> IsReadyWithinAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        return await Task.WhenAny(_ready.Task, Process.WaitForExitAsync(limit.Token)) == _ready.Task;
    }

    private void Read(string? line)
    {
        if (line is null) return;
        _said(line);
        if (line.Contains(ReadyLine, StringComparison.Ordinal)) _ready.TrySetResult();
    }
}
