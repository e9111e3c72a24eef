using System.Collections.Concurrent;
using System.Diagnostics;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Faults;

/// <summary>
/// Named places at which a test can make things go wrong, as CRIU's fault injection has them. Nothing is armed unless it is asked
/// for: by <see cref="Arm(string, Func{CancellationToken, Task})"/>, or for a process by <c>WATARI_FAULTS</c>, a list of
/// <c>NAME=ACTION</c> parted by commas; the actions are <c>fail</c>, <c>hang</c>, <c>kill</c> (of the own process, as by SIGKILL) and
/// <c>hold:FILE</c>. Each armed point goes off once, but a hold as often as its file is there, and for as long.
/// </summary>
public sealed class FaultPoints
{
    public const string Variable = "WATARI_FAULTS";

    private const string Hold = "hold:";

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);

    private readonly ConcurrentDictionary<string, string> _holds = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Func<CancellationToken, Task>> _armed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _hits = new(StringComparer.Ordinal);

    /// <summary>Before and after each step at its grain, and before and after each state is written.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. Migrations.MigrationTable.StepNames.SelectMany(step => new[] { Before(step), After(step) }),
        .. Enum.GetNames<MigrationState>().SelectMany(state => new[] { Before($"write.{state}"), After($"write.{state}") }),
    ];

    public static string Before(string name) => $"{name}.before";

    public static string After(string name) => $"{name}.after";

    /// <exception cref="FormatException">The text names no known point or action.</exception>
    public static FaultPoints Parse(string? text)
    {
        var points = new FaultPoints();
        foreach (string part in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            string action = equals < 0 ? "" : part[(equals + 1)..];
            if (action.StartsWith(Hold, StringComparison.Ordinal) && action.Length > Hold.Length)
            {
                points._holds[Known(name)] = action[Hold.Length..];
                continue;
            }

            points.Arm(name, action switch
            {
                "fail" => _ => throw new EngineException(FailureKind.Internal, $"Fault point {name} is armed."),
                "hang" => cancellationToken => Task.Delay(Timeout.Infinite, cancellationToken),
                "kill" => _ =>
                {
                    Process.GetCurrentProcess().Kill();
                    return Task.Delay(Timeout.Infinite, CancellationToken.None);
                }
                ,
                _ => throw new FormatException($"{Variable}: '{action}' of '{part}' is no action; there are fail, hang, kill and hold:FILE."),
            });
        }

        return points;
    }

    /// <exception cref="FormatException">There is no such point.</exception>
    public void Arm(string name, Func<CancellationToken, Task> action)
    {
        _hits[Known(name)] = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _armed[name] = action;
    }

    public void Disarm(string name) => _armed.TryRemove(name, out _);

    /// <summary>Ends when an armed point has gone off.</summary>
    public Task WaitUntilHitAsync(string name, CancellationToken cancellationToken) => _hits[name].Task.WaitAsync(cancellationToken);

    public Task HitAsync(string name, CancellationToken cancellationToken)
    {
        if (_holds.TryGetValue(name, out string? file) && File.Exists(file)) return HoldAsync(name, file, cancellationToken);
        if (_armed.IsEmpty || !_armed.TryRemove(name, out Func<CancellationToken, Task>? action)) return Task.CompletedTask;
        _hits[name].TrySetResult();
        return action(cancellationToken);
    }

    /// <summary>Says so on stderr, where whoever arms a process by its environment can hear it.</summary>
    private static async Task HoldAsync(string name, string file, CancellationToken cancellationToken)
    {
        await Console.Error.WriteLineAsync($"fault point {name} holds");
        while (File.Exists(file)) await Task.Delay(s_look, cancellationToken);
    }

    private static string Known(string name) =>
        Names.Contains(name) ? name : throw new FormatException($"'{name}' is no fault point; there are {string.Join(", ", Names)}.");
}
