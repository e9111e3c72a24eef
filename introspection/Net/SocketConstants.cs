using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Watari.Introspection.Net;

/// <summary>
/// The numbers that a kernel gives to its enumerators: enum sock_flags (include/net/sock.h) and INET_FLAGS_* (include/net/inet_sock.h)
/// have grown in their middle. Looked up once per kernel.
/// </summary>
public sealed class SocketConstants
{
    private static readonly ConditionalWeakTable<GuestKernel, SocketConstants> s_ofKernels = [];

    private readonly BtfTypes _types;
    private readonly ConcurrentDictionary<string, long> _values = new();

    private SocketConstants(BtfTypes types) => _types = types;

    /// <exception cref="KernelTypeException">The kernel has no such enumerator.</exception>
    public long this[string enumerator] => _values.GetOrAdd(enumerator, static (name, types) => types.Enumerator(name), _types);

    public static SocketConstants Of(GuestKernel kernel) => s_ofKernels.GetValue(kernel, static kernel => new SocketConstants(kernel.Types));
}
