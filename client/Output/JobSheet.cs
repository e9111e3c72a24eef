using System.Globalization;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

/// <summary><c>watari jobs show</c> for people: a name and a value on each line, then the time line.</summary>
internal static class JobSheet
{
    public static void Write(TextWriter writer, MigrationJob job)
    {
        List<(string Name, string Value)> lines =
        [
            ("Job", job.Id),
            ("Container", job.Request.Workload.ToString()),
            ("From", job.Request.Source.ToString()),
            ("To", job.Request.Destination.ToString()),
            ("State", Words.Of(job.State) + (job.IsRollingBack ? " (rolling back)" : "")),
            ("Now", $"the container {job.Whereabouts}"),
            ("Epoch", job.Epoch.ToString()),
            ("Created", Time(job.Created)),
        ];
        if (job.IsTerminal) lines.Add(("Ended", Time(job.Updated)));
        if (job.Left is { } left) lines.Add(("Left", $"stopped in {job.Request.Source}: {left}"));
        if (job.Failure is { } failure) lines.Add(("Failure", $"{failure.Message} (while {Words.Of(failure.During)})"));
        if (job.Problem is { } problem) lines.Add(("Trying again", $"since {Time(job.ActiveSince)}: {problem}"));
        if (job.Downtime is { } downtime) lines.Add(("Downtime", $"{Human.Milliseconds(downtime.Milliseconds)} ms"));
        if (job.Transfer is { } t)
        {
            lines.Add(("Pages", $"{t.Normal} sent, {t.Zero} zero; {Human.Bytes(t.Transferred)} transferred of {Human.Bytes(t.Total)}"));
        }

        if (job.Volumes is { } volumes) lines.Add(("Volumes", $"{Human.Bytes(volumes.Ahead)} ahead, {Human.Bytes(volumes.Within)} within the downtime"));

        int width = lines.Max(l => l.Name.Length) + 2;
        foreach ((string name, string value) in lines) writer.WriteLine($"{(name + ":").PadRight(width)}{Printer.OneLine(value)}");
        writer.WriteLine();
        Printer.Table<StateChange>(writer, job.History, [new("STATE", h => Words.Of(h.State)), new("AFTER MS", h => Human.Milliseconds((h.At - job.Created).TotalMilliseconds), Right: true)]);
        if (job.Phases.IsEmpty) return;
        writer.WriteLine();
        Printer.Table<PhaseTiming>(writer, job.Phases, [new("PHASE", p => p.Name), new("MS", p => Human.Milliseconds(p.Milliseconds), Right: true)]);
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
