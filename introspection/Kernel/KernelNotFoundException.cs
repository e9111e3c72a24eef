namespace Watari.Introspection.Kernel;

/// <summary>No Linux kernel that can be read is in the guest's memory.</summary>
public sealed class KernelNotFoundException : IntrospectionException
{
    public KernelNotFoundException(string message) : base(message)
    {
    }

    public KernelNotFoundException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
