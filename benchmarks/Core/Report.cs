namespace Watari.Benchmarks.Core;

/// <summary>The figures of one run, each beside its ceiling: absolute values are this machine's, ratios carry over.</summary>
internal sealed class Report(string subject, Setting setting)
{
    private readonly List<Figure> _figures = [];

    public string Subject => subject;

    public Setting Setting => setting;

    public IReadOnlyList<Figure> Figures => _figures;

    public void Add(Figure figure) => _figures.Add(figure);

    /// <summary>A figure's ratio to the one beside it; null where it stands alone.</summary>
    public double? RatioOf(Figure figure) =>
        figure.Beside is null ? null : figure.Value / _figures.Single(f => f.Name == figure.Beside).Value;

    /// <summary>Whether a figure is what was wanted; null where nothing was.</summary>
    public bool? IsMet(Figure figure) =>
        figure.Goals.Count == 0 ? null : figure.Goals.Any(goal => goal.IsMet(figure.Value, RatioOf(figure)));
}
