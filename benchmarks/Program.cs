using System.CommandLine;
using Watari.Benchmarks.Attach;
using Watari.Benchmarks.Capture;
using Watari.Benchmarks.Core;
using Watari.Benchmarks.Downtime;
using Watari.Benchmarks.Freeze;
using Watari.Benchmarks.Introspect;
using Watari.Benchmarks.MemWrite;
using Watari.Benchmarks.SecondOpinion;
using Watari.Benchmarks.Silo;
using Watari.Benchmarks.Transfer;

// One line for each subject; a subject lives in a folder of its name.
IBenchmark[] subjects =
[
    new AttachBenchmark(),
    new IntrospectBenchmark(),
    new SecondOpinionBenchmark(),
    new FreezeBenchmark(),
    new CaptureBenchmark(),
    new MemWriteBenchmark(),
    new TransferBenchmark(),
    new SiloBenchmark(),
    new DowntimeBenchmark(),
];

Option<string> format = new("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" };
format.AcceptOnlyFromAmong("table", "json");

RootCommand root = new("Measures Watari against what the machine can do, both in the same run.");
foreach (IBenchmark subject in subjects)
{
    Option<int> mebibytes = new("--size") { Description = "MiB of data", DefaultValueFactory = _ => subject.Usual.MiB };
    Option<int> rounds = new("--rounds") { Description = "how often it is measured", DefaultValueFactory = _ => subject.Usual.Rounds };
    Command command = new(subject.Name, subject.Description) { format, mebibytes, rounds };
    command.SetAction(async (parsed, cancellation) =>
    {
        Report report = await subject.RunAsync(new BenchmarkSize(parsed.GetValue(mebibytes), parsed.GetValue(rounds)), cancellation);
        if (parsed.GetValue(format) == "json") ReportWriter.WriteJson(report, Console.Out);
        else ReportWriter.WriteTable(report, Console.Out);
        return 0;
    });
    root.Add(command);
}

Command all = new("all", "every subject, one after the other") { format };
all.SetAction(async (parsed, cancellation) =>
{
    List<Report> reports = [];
    foreach (IBenchmark subject in subjects)
    {
        Report report = await subject.RunAsync(subject.Usual, cancellation);
        if (parsed.GetValue(format) == "table") ReportWriter.WriteTable(report, Console.Out);
        reports.Add(report);
    }
    if (parsed.GetValue(format) == "json") ReportWriter.WriteJson(reports, Console.Out);
    return 0;
});
root.Add(all);
return await root.Parse(args).InvokeAsync();
