namespace Watari.Benchmarks.Core;

/// <summary>One measured value.</summary>
/// <param name="Name">What was measured; unique in its report.</param>
/// <param name="Value">The value in <paramref name="Unit"/>.</param>
/// <param name="Unit">Its unit, for instance MiB/s or ms.</param>
/// <param name="Beside">
/// The name of the figure of the same run that it is held against: what the machine can do at best, or how another program does
/// the same.
/// </param>
/// <param name="Goals">What is wanted of it. Met if one of them is.</param>
internal sealed record Figure(string Name, double Value, string Unit, string? Beside = null, params IReadOnlyList<Goal> Goals);
