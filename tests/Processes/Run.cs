namespace Watari.Processes;

/// <summary>What a run of a program left.</summary>
public sealed record Run(int Code, string Out, string Error);
