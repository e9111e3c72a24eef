using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;
using Watari.Introspection.Kernel;

namespace Watari.Benchmarks.Introspect;

/// <summary>Something that is read in a look at a running guest: beside it the same reading without the look's bounds and trail.</summary>
internal sealed class LookSubject(string name, GuestKernel kernel, Func<GuestKernel, Reading> read, Structures copy)
    : Subject(name, () => LiveView.Look(kernel, read), copy)
{
    private readonly List<double> _unbounded = [];

    public override void WarmUp()
    {
        base.WarmUp();
        read(kernel);
    }

    public override void Measure(bool computing)
    {
        base.Measure(computing);
        if (computing) return;
        for (int i = 0; i < TimesARound; i++)
        {
            kernel.Refresh();
            _unbounded.Add(Rounds.Time(() => read(kernel)).TotalMilliseconds);
        }
    }

    public override void AddTo(Report report)
    {
        base.AddTo(report);
        GuestKernel look = kernel.BeginLook();
        long before = GC.GetAllocatedBytesForCurrentThread();
        long objects = read(look).Objects;
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        double milliseconds = report.Figures.Single(figure => figure.Name == Name).Value;
        report.Add(new Figure($"  {Name}, without bounds and trail", Spread.Of(_unbounded).Median, "ms", Name));
        report.Add(new Figure($"  {Name}, how many", objects, ""));
        report.Add(new Figure($"  {Name}, each", milliseconds * 1e6 / objects, "ns"));
        report.Add(new Figure($"  {Name}, allocated", allocated, "B", null, Goal.AtMost(0)));
    }
}
