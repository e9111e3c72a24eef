namespace Watari.Introspection.Kernel;

/// <summary>
/// Following the kernel's structures went astray: a pointer out of memory, a list without an end, a node that cannot be.
/// </summary>
/// <param name="path">The members that led there, e.g. <c>task_struct.mm</c>.</param>
/// <param name="reason">What was wrong.</param>
/// <param name="innerException">The read that failed, if one did.</param>
public sealed class KernelWalkException(string path, string reason, Exception? innerException = null)
    : IntrospectionException($"{path}: {reason}", innerException!)
{
    public string Path { get; } = path;

    public string Reason { get; } = reason;
}
