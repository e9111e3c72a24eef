namespace Watari.Introspection.Types;

/// <summary>What a reader relies on of one kernel structure.</summary>
/// <param name="Name">The full name of the type that reads it: its namespace tells what it is read for.</param>
/// <param name="Descriptor">The structure and its members.</param>
public sealed record KernelContract(string Name, KernelStructDescriptor Descriptor);
