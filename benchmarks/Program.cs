using System.CommandLine;
using Watari.Benchmarks.Core;
using Watari.Benchmarks.Transfer;

// One line for each subject; a subject lives in a folder of its name.
IBenchmark[] subjects = [new TransferBenchmark()];

Option<string> format = new("--output", "-o") { Description = "table or json", DefaultValueFactory = _ => "table" };
format.AcceptOnlyFromAmong("table", "json");
Option<int> mebibytes = new("--size") { Description = "MiB of data a round", DefaultValueFactory = _ => 512 };
Option<int> rounds = new("--rounds") { Description = "rounds, of which the best counts", DefaultValueFactory = _ => 5 };

RootCommand root = new("Measures Watari against what the machine can do, both in the same run.");
foreach (IBenchmark subject in subjects)
{
    Command command = new(subject.Name, subject.Description) { format, mebibytes, rounds };
    command.SetAction(async (parsed, cancellation) =>
    {
        BenchmarkSize size = new((long)parsed.GetValue(mebibytes) << 20, parsed.GetValue(rounds));
        Report report = await subject.RunAsync(size, cancellation);
        if (parsed.GetValue(format) == "json") report.WriteJson(Console.Out);
        else report.WriteTable(Console.Out);
        return 0;
    });
    root.Add(command);
}
return await root.Parse(args).InvokeAsync();
