using System.Buffers;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Watari.Client.Cluster;
using Watari.Client.Files;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari logs</c>: as docker logs and podman logs, from outside the virtual machine.</summary>
internal static class LogsCommand
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(300);
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    public static Command Build(Connector connect, Terminal terminal)
    {
        Argument<string> name = new("CONTAINER") { Description = "Name or id of the container" };
        Option<bool> follow = new("--follow", "-f") { Description = "Wait for more, until the container ends" };
        Option<LogMoment?> since = Moment("--since", "Only what was written from then on: a time (2026-01-02T13:23:37Z), seconds since 1970, or how long ago (42m)");
        Option<LogMoment?> until = Moment("--until", "Only what was written up to then");
        Option<int?> tail = new("--tail", "-n") { Description = "Only so many of the last lines, or all", HelpName = "N", CustomParser = ParseTail };
        Option<bool> timestamps = new("--timestamps", "-t") { Description = "Print when each line was written" };
        Option<string?> vm = ContainerPath.VmOption();
        Command command = new("logs", "Print what a container has written, running or not, read from outside") { name, follow, since, until, tail, timestamps, vm };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            ContainerFiles files = await ContainerFiles.ResolveAsync(cluster, parsed.GetRequiredValue(name), parsed.GetValue(vm), cancellationToken);
            var question = new LogQuestion(null, parsed.GetValue(tail) is >= 0 and var lines ? lines : null, parsed.GetValue(since), parsed.GetValue(until));
            await PrintAsync(asked => files.Grain.ReadLogAsync(files.Container, asked, cancellationToken), question, parsed.GetValue(follow), parsed.GetValue(timestamps), terminal, cancellationToken);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static async Task PrintAsync(
        Func<LogQuestion, Task<ContainerLogPiece>> read, LogQuestion question, bool follow, bool timestamps, Terminal terminal, CancellationToken cancellationToken)
    {
        await using Stream output = terminal.OpenOut(), errors = terminal.OpenError();
        int damaged = 0;
        while (true)
        {
            ContainerLogPiece piece = await read(question);
            if (piece.IsBehind) terminal.Say("some of the log was overwritten before it was read");
            foreach (ContainerLogEntry entry in piece.Entries)
            {
                Stream stream = entry.IsError ? errors : output;
                if (timestamps) stream.Write(Encoding.ASCII.GetBytes(Text(entry.Time)));
                stream.Write(entry.Text.AsSpan());
            }

            output.Flush();
            errors.Flush();
            damaged += piece.Damaged;
            question = question with { From = piece.Next };
            if (!piece.IsLast) continue;
            if (!follow || !piece.IsRunning) break;
            await Task.Delay(Pause, cancellationToken);
        }

        if (damaged > 0) terminal.Say($"{damaged} {(damaged == 1 ? "entry of the log was" : "entries of the log were")} damaged or too long, and left out");
    }

    /// <summary>As docker logs -t has it, with all nine digits.</summary>
    private static string Text(LogMoment time) => string.Create(
        CultureInfo.InvariantCulture,
        $"{DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(time.Seconds, DateTimeOffset.MinValue.ToUnixTimeSeconds(), DateTimeOffset.MaxValue.ToUnixTimeSeconds())):yyyy-MM-ddTHH:mm:ss}.{time.Nanoseconds:000000000}Z ");

    /// <summary>An option that takes a time as docker has it.</summary>
    internal static Option<LogMoment?> Moment(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result =>
        {
            if (TryParse(result.Tokens[0].Value, DateTimeOffset.UtcNow, out LogMoment moment)) return moment;
            result.AddError($"'{result.Tokens[0].Value}' is no time: write 2026-01-02T13:23:37Z, seconds since 1970, or 42m for so long ago.");
            return null;
        },
    };

    internal static bool TryParse(string text, DateTimeOffset now, out LogMoment moment)
    {
        moment = default;
        DateTimeOffset time;
        if (decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal seconds) && seconds < 253402300800m)
        {
            moment = new LogMoment((long)seconds, (uint)((seconds - Math.Truncate(seconds)) * 1_000_000_000));
            return true;
        }

        if (TryParseSpan(text, out TimeSpan ago) && ago < now - DateTimeOffset.UnixEpoch) time = now - ago;
        else if (text.Length < 10 || !DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out time)) return false;
        moment = new LogMoment(time.ToUnixTimeSeconds(), (uint)(time.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick));
        return true;
    }

    /// <summary>As Go has it: 1h30m, 90s, 500ms.</summary>
    private static bool TryParseSpan(string text, out TimeSpan span)
    {
        span = default;
        double ticks = 0; // whatever is written fits into it
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int digits = rest.IndexOfAnyExcept(s_digits);
            if (digits <= 0 || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || number > 1e9) return false;
            rest = rest[digits..];
            int letters = rest.IndexOfAny(s_digits) is >= 0 and var next ? next : rest.Length;
            TimeSpan? unit = rest[..letters] switch
            {
                "h" => TimeSpan.FromHours(1),
                "m" => TimeSpan.FromMinutes(1),
                "s" => TimeSpan.FromSeconds(1),
                "ms" => TimeSpan.FromMilliseconds(1),
                _ => null,
            };
            if (unit is null) return false;
            ticks += unit.Value.Ticks * number;
            rest = rest[letters..];
        }

        if (text.Length == 0 || ticks >= TimeSpan.MaxValue.Ticks) return false;
        span = TimeSpan.FromTicks((long)ticks);
        return true;
    }

    /// <summary>Less than nothing for all of them.</summary>
    private static int? ParseTail(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        if (text == "all") return -1;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int count)) return count;
        result.AddError($"'{text}' is no number of lines.");
        return null;
    }
}
