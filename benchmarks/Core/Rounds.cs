using System.Diagnostics;

namespace Watari.Benchmarks.Core;

/// <summary>Measures several ways of doing the same in turns, so that a busy moment hits all of them alike.</summary>
internal static class Rounds
{
    /// <param name="size">What a way moves in a round, and how often.</param>
    /// <param name="ways">Each tells how long the round took it, without what it does not count.</param>
    /// <returns>The most MiB/s that each way reached, in the order given.</returns>
    public static async Task<double[]> BestAsync(BenchmarkSize size, params Func<Task<TimeSpan>>[] ways)
    {
        double[] best = new double[ways.Length];
        for (int round = -1; round < size.Rounds; round++)
        {
            for (int i = 0; i < ways.Length; i++)
            {
                TimeSpan took = await ways[i]();
                // The first round only warms up.
                if (round >= 0) best[i] = Math.Max(best[i], size.Bytes / (double)(1 << 20) / took.TotalSeconds);
            }
        }
        return best;
    }

    /// <summary>How long all of <paramref name="way"/> takes.</summary>
    public static async Task<TimeSpan> TimeAsync(Func<Task> way)
    {
        long began = Stopwatch.GetTimestamp();
        await way();
        return Stopwatch.GetElapsedTime(began);
    }

    public static TimeSpan Time(Action way)
    {
        long began = Stopwatch.GetTimestamp();
        way();
        return Stopwatch.GetElapsedTime(began);
    }
}
