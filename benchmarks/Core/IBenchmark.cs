namespace Watari.Benchmarks.Core;

/// <summary>A subject that can be measured, run as a subcommand of its name.</summary>
internal interface IBenchmark
{
    string Name { get; }

    string Description { get; }

    /// <summary>How much is measured where nothing else is asked for.</summary>
    BenchmarkSize Usual { get; }

    /// <summary>Measures, and its ceilings in the same run.</summary>
    Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation);
}

/// <summary>How much to measure.</summary>
/// <param name="MiB">Of data: what a round moves, or what a container holds.</param>
/// <param name="Rounds">Of which the best counts for a rate, for others use the machine too; of times the spread is told.</param>
internal readonly record struct BenchmarkSize(int MiB, int Rounds)
{
    public long Bytes => (long)MiB << 20;
}
