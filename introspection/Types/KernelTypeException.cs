namespace Watari.Introspection.Types;

/// <summary>A type or member that a reader needs is not in the kernel's type information, is not of the expected form, or the information itself cannot be read.</summary>
public sealed class KernelTypeException(string message) : IntrospectionException(message);
