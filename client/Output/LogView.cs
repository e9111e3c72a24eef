using System.Globalization;
using System.Text;
using System.Text.Json;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

/// <summary>A guest kernel's log as dmesg(1) prints it, or as data.</summary>
/// <param name="json">One document, <c>{"dmesg": [...]}</c> as of <c>dmesg --json</c>.</param>
/// <param name="wallClock">Times of the wall clock, in this machine's zone.</param>
/// <param name="levels">Only these; null for all.</param>
internal sealed class LogView(Terminal terminal, bool json, bool wallClock, IReadOnlySet<int>? levels)
{
    private const long NanosecondsPerMicrosecond = 1000;
    private const long MicrosecondsPerSecond = 1_000_000;
    private const int TicksPerMicrosecond = 10;

    private bool _begun;
    private bool _first = true;

    /// <summary>By a record's level.</summary>
    public static readonly string[] Levels = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];

    /// <summary>By a record's facility; those from 12 to 15 have no name of their own, as in syslog(3).</summary>
    private static readonly string[] s_facilities = ["kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"];

    /// <summary>Levels as dmesg takes them, parted by commas: <c>err,warn</c>, <c>err+</c> for err and above.</summary>
    /// <param name="text">The words.</param>
    /// <param name="levels">Their numbers.</param>
    /// <param name="unknown">The first word that is no level; empty where all are.</param>
    public static bool TryParseLevels(string text, out IReadOnlySet<int> levels, out string unknown)
    {
        HashSet<int> found = [];
        levels = found;
        unknown = "";
        foreach (string word in text.Split(','))
        {
            bool andAbove = word.EndsWith('+');
            int level = Array.IndexOf(Levels, andAbove ? word[..^1] : word);
            if (level < 0)
            {
                unknown = word;
                return false;
            }

            found.UnionWith(andAbove ? Enumerable.Range(0, level + 1) : [level]);
        }

        return true;
    }

    /// <param name="piece">What was read.</param>
    /// <param name="wanted">Where it was to begin.</param>
    public void Show(KernelLogPiece piece, ulong wanted)
    {
        // A log that cannot be read leaves nothing behind on standard output.
        if (json && !_begun) terminal.Out.Write("{\n  \"dmesg\": [");
        _begun = true;
        if (wanted > 0 && piece.Entries is [{ Sequence: var first }, ..] && first > wanted) terminal.Say($"{first - wanted} messages were overwritten before they were read");
        foreach (KernelLogEntry entry in piece.Entries)
        {
            if (levels is not null && !levels.Contains(entry.Level)) continue;
            if (json) Data(entry, piece.BootTime);
            else Lines(entry, piece.BootTime);
            _first = false;
        }

        terminal.Out.Flush();
    }

    /// <summary>There is no more to be shown.</summary>
    public void End()
    {
        if (json) terminal.Out.Write(_first ? "]\n}\n" : "\n  ]\n}\n");
    }

    /// <summary>The first line after the time, those that follow under it.</summary>
    private void Lines(KernelLogEntry entry, DateTimeOffset? boot)
    {
        string time = wallClock && boot is { } began
            ? string.Create(CultureInfo.InvariantCulture, $"[{At(entry, began).ToLocalTime():ddd MMM d HH:mm:ss yyyy}] ")
            : $"[{Seconds(entry),12}] ";
        string prefix = time;
        foreach (string line in entry.Text.Split('\n'))
        {
            terminal.Out.Write(prefix);
            terminal.Out.WriteLine(Visible(line));
            prefix = new string(' ', time.Length);
        }
    }

    private void Data(KernelLogEntry entry, DateTimeOffset? boot)
    {
        LogEntryView view = new(
            entry.Sequence, Seconds(entry), wallClock && boot is { } began ? At(entry, began) : null,
            entry.Facility < s_facilities.Length ? s_facilities[entry.Facility] : entry.Facility.ToString(CultureInfo.InvariantCulture),
            Levels[entry.Level & 7], entry.Text);
        string text = JsonSerializer.Serialize(view, Views.Default.LogEntryView);
        terminal.Out.Write(_first ? "\n    " : ",\n    ");
        terminal.Out.Write(text.ReplaceLineEndings("\n    "));
    }

    /// <summary>"12.345678", cut, not rounded, as the kernel and dmesg do.</summary>
    private static string Seconds(KernelLogEntry entry)
    {
        ulong microseconds = entry.Nanoseconds / NanosecondsPerMicrosecond;
        return string.Create(CultureInfo.InvariantCulture, $"{microseconds / MicrosecondsPerSecond}.{microseconds % MicrosecondsPerSecond:000000}");
    }

    private static DateTimeOffset At(KernelLogEntry entry, DateTimeOffset boot) =>
        boot.AddTicks((long)Math.Min(entry.Nanoseconds / NanosecondsPerMicrosecond * TicksPerMicrosecond, (ulong)(DateTimeOffset.MaxValue - boot).Ticks));

    /// <summary>Text comes out of a guest: what could steer a terminal is written as dmesg writes it, <c>\x1b</c>.</summary>
    private static string Visible(string line)
    {
        if (!line.Any(IsSteering)) return line;
        var text = new StringBuilder();
        foreach (char c in line)
        {
            if (IsSteering(c)) text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else text.Append(c);
        }

        return text.ToString();
    }

    private static bool IsSteering(char c) => char.IsControl(c) && c != '\t';
}
