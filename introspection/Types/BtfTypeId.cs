namespace Watari.Introspection.Types;

/// <summary>The number of a type in one kernel's BTF; 0 is void.</summary>
public readonly record struct BtfTypeId(int Value);
