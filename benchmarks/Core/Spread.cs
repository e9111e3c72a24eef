namespace Watari.Benchmarks.Core;

/// <summary>How a time differs from round to round.</summary>
internal readonly record struct Spread(double Min, double Median, double Max)
{
    /// <exception cref="ArgumentException">There are none.</exception>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        if (sorted.Length == 0) throw new ArgumentException("A spread is that of at least one value.", nameof(values));
        double median = (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        return new Spread(sorted[0], median, sorted[^1]);
    }
}
