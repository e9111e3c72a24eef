using System.Globalization;

namespace Watari.Benchmarks.Core;

/// <summary>A bound that a figure shall keep.</summary>
/// <param name="Bound">In the figure's unit; or, of a share, its ratio to the figure that it stands beside.</param>
/// <param name="IsMost">The figure shall be no more than the bound; else no less.</param>
/// <param name="IsShare">The bound is of the ratio.</param>
internal readonly record struct Goal(double Bound, bool IsMost, bool IsShare)
{
    public static Goal AtLeast(double bound) => new(bound, IsMost: false, IsShare: false);

    public static Goal AtMost(double bound) => new(bound, IsMost: true, IsShare: false);

    public static Goal ShareAtLeast(double bound) => new(bound, IsMost: false, IsShare: true);

    public static Goal ShareAtMost(double bound) => new(bound, IsMost: true, IsShare: true);

    /// <param name="value">The figure's value.</param>
    /// <param name="ratio">Its ratio to the figure beside it; null where there is none.</param>
    public bool IsMet(double value, double? ratio) => (IsShare ? ratio : value) is { } judged && (IsMost ? judged <= Bound : judged >= Bound);

    /// <summary>As "≤ 20 ms" or "≥ 70 %".</summary>
    public string Text(string unit) =>
        string.Create(CultureInfo.InvariantCulture, $"{(IsMost ? "≤" : "≥")} {(IsShare ? Bound * 100 : Bound):0.##} {(IsShare ? "%" : unit)}");
}
