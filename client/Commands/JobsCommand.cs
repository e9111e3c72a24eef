using System.CommandLine;
using Watari.Client.Cluster;
using Watari.Client.Output;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Commands;

/// <summary><c>watari jobs ls|show|watch|cancel|forget</c>.</summary>
internal static class JobsCommand
{
    public static Command Build(Connector connect, Terminal terminal) => new("jobs", "Look at migrations, and cancel them")
    {
        List(connect, terminal),
        Show(connect, terminal),
        Watch(connect, terminal),
        Cancel(connect, terminal),
        Forget(connect, terminal),
    };

    private static Command List(Connector connect, Terminal terminal)
    {
        Option<bool> quiet = new("--quiet", "-q") { Description = "Print ids alone" };
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("ls", "List the jobs, newest first") { quiet, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            JobView[] jobs = [.. (await cluster.Cluster.ListJobsAsync(cancellationToken)).Select(JobView.Of)];
            if (parsed.GetValue(quiet))
            {
                foreach (JobView job in jobs) terminal.Out.WriteLine(Printer.Clean(job.Id));
                return ExitCodes.Done;
            }

            DateTimeOffset now = DateTimeOffset.UtcNow;
            Printer.List(
                terminal, parsed.GetValue(output), jobs, Views.Default.IReadOnlyListJobView,
                new("JOB", j => j.Id),
                new("CONTAINER", j => j.Workload),
                new("FROM", j => j.From),
                new("TO", j => j.To),
                new("STATE", j => j.Status),
                new("CREATED", j => Human.Ago(j.Created, now)),
                new("TRYING AGAIN", j => j.Problem is null ? "" : $"for {Human.Span(now - j.ActiveSince)}: {j.Problem}"),
                new("FAILURE", j => j.Failure ?? "", Wide: true));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Show(Connector connect, Terminal terminal)
    {
        Argument<string> id = Id();
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("show", "Say all that is known of a job") { id, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            MigrationJob job = await FindAsync(cluster, parsed.GetValue(id)!, cancellationToken);
            OutputFormat format = parsed.GetValue(output);
            if (format is OutputFormat.Json or OutputFormat.Yaml) Printer.Document(terminal, format, MigrationView.Of(job), Views.Default.MigrationView);
            else JobSheet.Write(terminal.Out, job);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command Watch(Connector connect, Terminal terminal)
    {
        Argument<string> id = Id();
        Option<OutputFormat> output = OutputOption.New();
        Command command = new("watch", "Follow a job to its end; Ctrl-C stops watching") { id, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            MigrationJob job = await FindAsync(cluster, parsed.GetValue(id)!, cancellationToken);
            return MigrateCommand.Report(terminal, parsed.GetValue(output), await JobWatch.FollowAsync(cluster, terminal, job, cancelFirst: false));
        });
        return command;
    }

    private static Command Cancel(Connector connect, Terminal terminal)
    {
        Argument<string> id = Id();
        Command command = new("cancel", "Turn a job back and wait until the source runs again; refused once it is committed") { id };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            MigrationJob job = await FindAsync(cluster, parsed.GetValue(id)!, cancellationToken);
            job = await cluster.Job(job.Id).CancelAsync();
            MigrationJob? end = await JobWatch.FollowAsync(cluster, terminal, job, cancelFirst: false);
            if (end is null) return ExitCodes.Interrupted;
            terminal.Out.WriteLine(Printer.Clean(Sentences.Last(end)));
            return end.Failure?.Kind == FailureKind.Cancelled && end.Source != SideOutcome.Lost ? ExitCodes.Done : ExitCodes.Of(end);
        });
        return command;
    }

    private static Command Forget(Connector connect, Terminal terminal)
    {
        Argument<string> id = Id();
        Option<bool> force = new("--force") { Description = "Also a job that cannot roll back, because the source's host will not come back" };
        Command command = new("forget", "Take a job off the list, and end what it still tidies up; refused while its container does not run") { id, force };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using Conversation cluster = await connect.OpenAsync(parsed, cancellationToken);
            MigrationJob job = await FindAsync(cluster, parsed.GetValue(id)!, cancellationToken);
            job = await cluster.Job(job.Id).ForgetAsync(parsed.GetValue(force));
            terminal.Out.WriteLine(Printer.Clean($"forgotten: {job.Request.Workload} {job.Whereabouts}"));
            return ExitCodes.Done;
        });
        return command;
    }

    private static Argument<string> Id() => new("JOB") { Description = "Id of the job, or its beginning" };

    private static async Task<MigrationJob> FindAsync(Conversation cluster, string id, CancellationToken cancellationToken)
    {
        if (await cluster.Job(id).GetAsync() is { } job) return job;
        JobSummary[] found = [.. (await cluster.Cluster.ListJobsAsync(cancellationToken)).Where(j => j.Id.StartsWith(id, StringComparison.Ordinal))];
        if (found.Length == 1 && await cluster.Job(found[0].Id).GetAsync() is { } one) return one;
        throw found.Length > 1
            ? new CommandException(ExitCodes.NotFound, $"Several jobs begin with '{id}': {string.Join(", ", found.Select(j => j.Id))}.")
            : new CommandException(ExitCodes.NotFound, $"There is no job '{id}'; 'watari jobs ls' lists those there are.");
    }
}
