namespace Watari.Benchmarks.Core;

/// <summary>One measured value.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The value in <paramref name="Unit"/>.</param>
/// <param name="Unit">Its unit, for instance MiB/s or ms.</param>
/// <param name="Ceiling">The name of the figure of the same run that bounds it: what the machine can do at best.</param>
/// <param name="Target">What share of the ceiling is wanted, from 0 to 1.</param>
internal sealed record Figure(string Name, double Value, string Unit, string? Ceiling = null, double? Target = null);
