using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Guests;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Vms;

namespace Watari.Benchmarks.Attach;

/// <summary>
/// How long it takes to attach to a VM of which nothing is known: monitor, RAM, the kernel's note, symbols and types; and to one whose
/// kernel another VM has, too. The first time is what a silo needs for its first VM, its program being new to the runtime.
/// </summary>
internal sealed class AttachBenchmark : IBenchmark
{
    public string Name => "attach";

    public string Description => "attaching to a VM: its RAM, its kernel's symbols and types; beside a memcpy of those tables";

    public BenchmarkSize Usual => new(MiB: 0, Rounds: 20);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        await using Guest guest = await Guest.StartAsync(cancellation: cancellation);
        List<double> machine = [];
        List<double> cold = [];
        List<double> warm = [];
        List<double> copy = [];
        double? first = null;
        Report? report = null;
        for (int round = 0; round <= size.Rounds; round++)
        {
            VmLease lease = null!;
            double monitor = (await Rounds.TimeAsync(async () => lease = await GuestVm.AttachAsync(guest.Name, guest.Directory.DirectoryPath, cancellation))).TotalMilliseconds;
            await using (lease)
            {
                GuestVm vm = lease.Vm;
                double kernel = Rounds.Time(() => vm.Kernel()).TotalMilliseconds;
                report ??= new Report(Name, Setting.OfMachine() with { Guest = GuestSetting.Of(await vm.Machine.DescribeAsync(cancellation), vm.Kernel().Release) });
                first ??= monitor + kernel;
                // The first round only warms up.
                if (round == 0) continue;
                machine.Add(monitor);
                warm.Add(kernel);
                cold.Add(Rounds.Time(() => GuestKernel.Attach(vm.Memory, known: new KnownKernels())).TotalMilliseconds);
                using Structures tables = Structures.OfKernel(vm.Kernel());
                tables.Copy(); // the first time the copy's own pages are made
                copy.Add(Rounds.Time(tables.Copy).TotalMilliseconds);
            }
        }

        double attached = Spread.Of(machine).Median;
        report!.Add(new Figure("memcpy of the tables", Spread.Of(copy).Median, "ms"));
        report.Add(new Figure("first attach", first!.Value, "ms", null, Goal.AtMost(1000)));
        report.Add(new Figure("attach, kernel not known", attached + Spread.Of(cold).Median, "ms", "memcpy of the tables", Goal.AtMost(150)));
        report.Add(new Figure("attach, kernel known", attached + Spread.Of(warm).Median, "ms", "memcpy of the tables", Goal.AtMost(10)));
        report.Add(new Figure("  of it monitor and RAM", attached, "ms"));
        return report;
    }
}
