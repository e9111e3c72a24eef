namespace Watari.Benchmarks.Core;

/// <summary>A subject that can be measured, run as a subcommand of its name.</summary>
internal interface IBenchmark
{
    string Name { get; }

    string Description { get; }

    /// <summary>Measures, and its ceilings in the same run.</summary>
    Task<Report> RunAsync(BenchmarkSize size, CancellationToken cancellation);
}

/// <summary>How much to measure.</summary>
/// <param name="Bytes">Of data a round.</param>
/// <param name="Rounds">Of which the best counts: others use the machine too.</param>
internal readonly record struct BenchmarkSize(long Bytes, int Rounds);
