using Watari.Benchmarks.Core;
using Watari.Benchmarks.Guests;

namespace Watari.Benchmarks.Introspect;

/// <summary>Something that is read of a guest, of one that idles and of one that computes.</summary>
/// <param name="name">What is read.</param>
/// <param name="read">Reads it once.</param>
/// <param name="copy">Its ceiling: what lies in the guest's RAM of it.</param>
internal class Subject(string name, Action read, Structures copy)
{
    private readonly List<double> _idle = [];
    private readonly List<double> _computing = [];
    private readonly List<double> _copies = [];

    protected string Name => name;

    /// <summary>Of what takes long once is enough.</summary>
    public int TimesARound { get; init; } = 10;

    /// <summary>Of a guest that idles.</summary>
    public IReadOnlyList<Goal> Goals { get; init; } = [];

    /// <summary>Reads what the runtime shall compile before it is measured.</summary>
    public virtual void WarmUp()
    {
        read();
        copy.Copy();
    }

    /// <param name="computing">Whether the guest computes.</param>
    public virtual void Measure(bool computing)
    {
        for (int i = 0; i < TimesARound; i++)
        {
            (computing ? _computing : _idle).Add(Rounds.Time(read).TotalMilliseconds);
            _copies.Add(Rounds.Time(copy.Copy).TotalMilliseconds);
        }
    }

    public virtual void AddTo(Report report)
    {
        string ceiling = $"memcpy of {copy.Name}, {name}";
        report.Add(new Figure(ceiling, Spread.Of(_copies).Median, "ms"));
        report.Add(new Figure(name, Spread.Of(_idle).Median, "ms", ceiling, Goals));
        report.Add(new Figure($"  {name}, the guest computing", Spread.Of(_computing).Median, "ms", name, Goal.ShareAtMost(1.2)));
    }
}
