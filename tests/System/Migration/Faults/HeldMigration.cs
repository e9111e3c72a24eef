using System.Diagnostics;
using Watari.Guests;
using Watari.Processes;

namespace Watari.SystemTests.Migration.Faults;

/// <summary>A migration from host-a to host-b that stands at a point, and the console that watches it.</summary>
public sealed class HeldMigration : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    private readonly HeldPoints _points;
    private readonly string _point;
    private readonly Process _console;

    private HeldMigration(HeldPoints points, string point, Process console)
    {
        _points = points;
        _point = point;
        _console = console;
    }

    /// <summary>Starts <c>watari migrate</c>; done when it stands at the point and its console takes Ctrl-C.</summary>
    public static async Task<HeldMigration> StartAsync(TwoHosts hosts, HeldPoints points, string point, string container = "counter")
    {
        int said = hosts.Processes.Log.Count();
        points.Hold(point);
        var held = new HeldMigration(points, point, hosts.Processes.StartWatari("migrate", container, "--to", "vm-b"));
        try
        {
            await WatariProcesses.UntilSaysAsync(held._console, $"{container}: ");
            await hosts.Processes.UntilSilosSayAsync($"fault point {point} holds", said, TestContext.Current.CancellationToken);
            return held;
        }
        catch
        {
            await held.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets it go on.</summary>
    public void Release() => _points.Release(_point);

    /// <summary>Presses Ctrl-C at its console.</summary>
    public Task InterruptAsync() => WatariProcesses.SignalAsync(_console, "INT");

    /// <summary>Reads what its console says until a line holds these words.</summary>
    public Task UntilSaysAsync(string words) => WatariProcesses.UntilSaysAsync(_console, words);

    /// <summary>Waits for the end of its console.</summary>
    public Task<Run> EndAsync() => WatariProcesses.EndAsync(_console, s_patience);

    public ValueTask DisposeAsync()
    {
        Release();
        if (!_console.HasExited) _console.Kill();
        _console.Dispose();
        return ValueTask.CompletedTask;
    }
}
