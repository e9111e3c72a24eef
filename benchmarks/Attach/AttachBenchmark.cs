using Watari.Benchmarks.Core;
using Watari.Guests;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Silo.Engine.Vms;

namespace Watari.Benchmarks.Attach;

/// <summary>
/// How long it takes to attach to a VM of which nothing is known: monitor, RAM, the kernel's note, symbols and types. The first
/// time is what a silo needs for its first VM, its program being new to the runtime, too.
/// </summary>
internal sealed class AttachBenchmark : IBenchmark
{
    private static readonly string[] s_tables =
        ["kallsyms_num_syms", "kallsyms_names", "kallsyms_token_table", "kallsyms_token_index", "kallsyms_offsets", "kallsyms_relative_base"];

    public string Name => "attach";

    public string Description => "attaching to a VM: its RAM, its kernel's symbols and types; beside a memcpy of those tables";

    public BenchmarkSize Usual => new(MiB: 0, Rounds: 10);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        await using Guest guest = await Guest.StartAsync(cancellation: cancellation);
        List<double> machine = [];
        List<double> kernel = [];
        TimeSpan copy = TimeSpan.MaxValue;
        Report? report = null;
        for (int round = 0; round < Math.Max(2, size.Rounds); round++)
        {
            VmLease lease = null!;
            machine.Add((await Rounds.TimeAsync(async () => lease = await GuestVm.AttachAsync(guest.Name, guest.Directory.DirectoryPath, cancellation))).TotalMilliseconds);
            await using (lease)
            {
                GuestVm vm = lease.Vm;
                kernel.Add(Rounds.Time(() => vm.Kernel()).TotalMilliseconds);
                TimeSpan copied = CopyTables(vm.Kernel());
                if (copied < copy) copy = copied;
                report ??= new Report(Name, Setting.OfMachine() with { Guest = GuestSetting.Of(vm.Machine.Machine, vm.Kernel().Release) });
            }
        }

        int best = Enumerable.Range(1, machine.Count - 1).MinBy(round => machine[round] + kernel[round]);
        report!.Add(new Figure("memcpy of the tables", copy.TotalMilliseconds, "ms"));
        report.Add(new Figure("first attach", machine[0] + kernel[0], "ms", null, Goal.AtMost(1000)));
        report.Add(new Figure("  monitor and RAM", machine[0], "ms"));
        report.Add(new Figure("  kernel", kernel[0], "ms"));
        report.Add(new Figure("attach again, best", machine[best] + kernel[best], "ms", "memcpy of the tables"));
        report.Add(new Figure("  monitor and RAM again", machine[best], "ms"));
        report.Add(new Figure("  kernel again", kernel[best], "ms"));
        return report;
    }

    private static TimeSpan CopyTables(GuestKernel kernel)
    {
        GuestVirtualAddress[] symbols = [.. s_tables.Select(kernel.CoreInfo.Symbol).Order()];
        (GuestVirtualAddress Start, int Length)[] tables =
        [
            (symbols[0], (int)(symbols[^1] - symbols[0])),
            (kernel.Symbols.Find("__start_BTF"), (int)(kernel.Symbols.Find("__stop_BTF") - kernel.Symbols.Find("__start_BTF"))),
        ];
        using NativeBuffer copy = new(tables.Max(table => table.Length));
        return Rounds.Time(() =>
        {
            // The kernel's image lies in one piece.
            foreach ((GuestVirtualAddress start, int length) in tables)
                kernel.Memory.Span(kernel.AddressSpace.Translate(start), length).CopyTo(copy.Span);
        });
    }
}
