using System.Diagnostics;
using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Introspection.Accounting;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Tasks;
using Watari.Introspection.Time;

namespace Watari.Benchmarks.Introspect;

/// <summary>
/// What is read of a running guest over and over: its kernel, its processes, their areas, descriptors and page tables. In turns of a
/// guest that idles and of one that computes, each beside a memcpy of what is read out of the guest's RAM.
/// </summary>
internal sealed class IntrospectBenchmark : IBenchmark
{
    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(3); // the runtime compiles anew what is called often

    public string Name => "introspect";

    public string Description => "a kernel, its processes, their areas, descriptors and page tables, of a guest that idles or computes; beside a memcpy of the same";

    public BenchmarkSize Usual => new(MiB: 1024, Rounds: 30);

    public async Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation)
    {
        await using CrowdedGuest guest = await CrowdedGuest.StartAsync(size.MiB, cancellation);
        GuestKernel kernel = guest.Kernel;
        GuestVirtualAddress holder = guest.Holder.Address;
        using Structures tables = Structures.OfKernel(kernel), tasks = Structures.OfProcesses(kernel), areas = Structures.OfAreas(kernel);
        using Structures files = Structures.OfFiles(kernel), pages = Structures.OfPageTables(guest.Holder);
        var known = new KnownKernels();
        Subject[] subjects =
        [
            new("kernel not known", () => GuestKernel.Attach(kernel.Memory, known: new KnownKernels()), tables) { Goals = [Goal.AtMost(150)], TimesARound = 1 },
            new("kernel known", () => GuestKernel.Attach(kernel.Memory, known: known), tables) { Goals = [Goal.AtMost(10)] },
            new LookSubject("processes", kernel, Reading.Processes, tasks) { Goals = [Goal.AtMost(5)] },
            new LookSubject("areas", kernel, static look => Reading.OfAll(look, Reading.Areas), areas),
            new LookSubject("descriptors", kernel, static look => Reading.OfAll(look, Reading.Descriptors), files),
            new LookSubject("pages", kernel, look => Reading.Pages(look.At<TaskStruct>(holder)), pages) { Goals = [Goal.AtMost(size.MiB / 1024.0 * 10)] },
        ];

        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < s_warmUp)
        {
            foreach (Subject subject in subjects) subject.WarmUp();
        }

        TimeSpan computed = default, passed = default;
        for (int round = 0; round < size.Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            guest.Idle();
            foreach (Subject subject in subjects) subject.Measure(computing: false);
            guest.Compute();
            (TimeSpan busy, long now) = (BusyTime(kernel), Stopwatch.GetTimestamp());
            foreach (Subject subject in subjects) subject.Measure(computing: true);
            computed += BusyTime(kernel) - busy;
            passed += Stopwatch.GetElapsedTime(now);
        }

        Report report = new(Name, Setting.OfMachine() with { Guest = guest.Setting });
        foreach (Subject subject in subjects) subject.AddTo(report);
        report.Add(new Figure("runs that the pages make", Reading.RunsOf(guest.Holder), ""));
        report.Add(new Figure("the guest's CPU while it computes", computed / passed * 100, "%", null, Goal.AtLeast(90)));
        return report;
    }

    private static TimeSpan BusyTime(GuestKernel kernel)
    {
        kernel.Refresh();
        return TimeSpan.FromMicroseconds(new CpuAccounting(kernel).Times(0, GuestClocks.Read(kernel)).Busy / 1000.0);
    }
}
