using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

/// <summary>A migration in words: the line while it runs, and the last line.</summary>
internal static class Sentences
{
    /// <summary>E.g. <c>migrated redis a/vm-a -> b/vm-b in 4.2 s, downtime 38 ms (freeze 3, capture 9, thaw 1.2), 512 MiB sent (61 % zero or known)</c>, and of volumes <c>, volumes 64 MiB ahead and 192 KiB within the downtime</c>.</summary>
    public static string Last(MigrationJob job)
    {
        MigrationRequest r = job.Request;
        if (job.State == MigrationState.Done || (job.State == MigrationState.Committed && job.IsSettled && job.Failure is null))
        {
            string rest = job.State == MigrationState.Committed ? $"; job {job.Id} is still removing what is left in {r.Source}{Because(job)}" : job.Left is { } left ? $"; left in {r.Source}: {left}" : "";
            return $"migrated {r.Workload} {r.Source} -> {r.Destination} in {Human.Seconds(Until(job, MigrationState.Committed))}{Downtime(job)}{Sent(job)}{Volumes(job)}{rest}";
        }

        string what = job.State == MigrationState.Refused ? "refused" : job.Failure?.Kind == FailureKind.Cancelled ? "cancelled" : "failed";
        string why = job.Failure is null || job.Failure.Kind == FailureKind.Cancelled ? "" : $"{Sentence(Lines(job.Failure)[0])} ";
        string open = job.IsSettled && !job.IsTerminal ? $" (job {job.Id} goes on{Because(job)})" : job.IsSettled ? "" : $" (job {job.Id} is not at its end{Because(job)})";
        return $"{what}: {why}{r.Workload} {job.Whereabouts}{open}";
    }

    /// <summary>What else there is to a failure, line by line, as of the log of a tool that failed in the guest.</summary>
    public static IEnumerable<string> Details(JobFailure? failure) => failure is null ? [] : Lines(failure)[1..].Select(Printer.Clean);

    /// <summary>The line while it runs.</summary>
    public static string Progress(MigrationJob job) => $"{job.Request.Workload}: {Doing(job)}";

    /// <summary>What the job does now, in a few words.</summary>
    public static string Doing(MigrationJob job) => job switch
    {
        { IsTerminal: true } => Done(job.State),
        { IsRollingBack: true } => $"rolling back{Because(job)}",
        _ => Phase(job) + Because(job) + Transferred(job.Transfer),
    };

    private static string Phase(MigrationJob job) => job.State switch
    {
        MigrationState.Planned => "planning",
        MigrationState.Preparing => "preparing the destination",
        MigrationState.PreCopying when job is { CopiesVolumes: true, FreezeAsked: null } => "copying volumes",
        MigrationState.PreCopying => "freezing",
        MigrationState.Frozen => "frozen, capturing",
        MigrationState.Captured or MigrationState.Restoring => "restoring",
        MigrationState.Ready => "ready",
        _ => "committed, thawing",
    };

    private static string Done(MigrationState state) => state switch
    {
        MigrationState.Done => "done",
        MigrationState.RolledBack => "rolled back",
        _ => "refused",
    };

    private static string Because(MigrationJob job) => job.Problem is null ? "" : $" (trying again: {Printer.Clean(job.Problem)})";

    private static string Transferred(TransferStatistics? t) =>
        t is null ? "" : $", transferred {Human.Bytes(t.Transferred)} of {Human.Bytes(t.Total)}, remaining {Human.Bytes(t.Remaining)}";

    private static string Downtime(MigrationJob job) => job.Downtime is not { } downtime
        ? ""
        : $", downtime {Human.Milliseconds(downtime.Milliseconds)} ms ({string.Join(", ", downtime.Parts.Select(p => $"{p.Name} {Human.Milliseconds(p.Milliseconds)}"))})";

    private static string Sent(MigrationJob job)
    {
        if (job.Transfer is not { } t) return "";
        long pages = t.Normal + t.Zero;
        return $", {Human.Bytes(t.Transferred)} sent ({(pages == 0 ? 0 : 100 * t.Zero / pages)} % zero or known)";
    }

    private static string Volumes(MigrationJob job) =>
        job.Volumes is { } volumes ? $", volumes {Human.Bytes(volumes.Ahead)} ahead and {Human.Bytes(volumes.Within)} within the downtime" : "";

    private static TimeSpan Until(MigrationJob job, MigrationState state) =>
        job.History.LastOrDefault(h => h.State == MigrationState.Done, job.History.Last(h => h.State == state)).At - job.Created;

    private static string[] Lines(JobFailure failure) => failure.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is { Length: > 0 } lines ? lines : [""];

    private static string Sentence(string message) => message.EndsWith('.') ? message : message + ".";
}
