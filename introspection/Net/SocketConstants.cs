namespace Watari.Introspection.Net;

/// <summary>
/// The numbers that a kernel gives to its enumerators: enum sock_flags (include/net/sock.h) and INET_FLAGS_* (include/net/inet_sock.h)
/// have grown in their middle.
/// </summary>
public readonly struct SocketConstants
{
    private readonly BtfTypes _types;

    private SocketConstants(BtfTypes types) => _types = types;

    /// <exception cref="KernelTypeException">The kernel has no such enumerator.</exception>
    public long this[string enumerator] => _types.Enumerator(enumerator);

    public static SocketConstants Of(GuestKernel kernel) => new(kernel.Types);
}
