using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Watari.Checkpoint.Model;
using Watari.Introspection.Memory;
using Watari.Introspection.Namespaces;
using Watari.Introspection.Net;
using Watari.Introspection.Time;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>SOL_SOCKET options, as getsockopt(2) would show them (net/core/sock.c).</summary>
internal sealed class SocketOptionsReader(FileScope scope)
{
    private const int PassCredentials = 3;      // SOCK_PASSCRED
    private const int PassSecurity = 4;         // SOCK_PASSSEC
    private const byte BufferLocks = 3;         // SOCK_SNDBUF_LOCK, SOCK_RCVBUF_LOCK
    private const long NoTimeout = long.MaxValue;   // MAX_SCHEDULE_TIMEOUT
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly SocketConstants _constants = SocketConstants.Of(scope.Kernel);
    private readonly Dictionary<(GuestVirtualAddress Namespace, int Index), string?> _interfaces = [];
    private readonly Lazy<int> _ticksPerSecond = new(() => Jiffies.PerSecond(scope.Kernel));

    /// <summary>The options; null where one cannot be carried, which is then refused.</summary>
    public SocketOptions? Read(CapturedFile file, Socket socket, Sock sock)
    {
        ImmutableArray<ulong> filter = [];
        if (sock.SkFilter.TryGet(out SkFilter attached))
        {
            if (!attached.Prog.Value.OrigProg.TryGet(out SockFprogKern program))
            {
                file.Refuse("an eBPF filter is attached to it (SO_ATTACH_BPF), which is not carried");
                return null;
            }

            filter = [.. program.Instructions.Select(Encode)];
            file.Budget.TakeBytes(filter.Length * sizeof(ulong));
        }

        ulong flags = sock.Flags;
        bool Has(string flag) => (flags >> (int)_constants[flag] & 1) != 0;
        return new SocketOptions
        {
            SendBuffer = (uint)sock.SkSndbuf,
            ReceiveBuffer = (uint)sock.SkRcvbuf,
            SendTimeout = TimeOf(sock.SkSndtimeo),
            ReceiveTimeout = TimeOf(sock.SkRcvtimeo),
            ReuseAddress = sock.Reuse != 0,
            ReusePort = sock.ReusePort,
            Priority = sock.SkPriority,
            ReceiveLowWater = sock.SkRcvlowat is var low and not 0 ? (uint)low : 1,
            Mark = sock.SkMark,
            PassCredentials = (socket.Flags >> PassCredentials & 1) != 0,
            PassSecurity = (socket.Flags >> PassSecurity & 1) != 0,
            DontRoute = Has("SOCK_LOCALROUTE"),
            NoCheck = sock.NoCheckTx,
            Broadcast = Has("SOCK_BROADCAST"),
            KeepAlive = Has("SOCK_KEEPOPEN"),
            OutOfBandInline = Has("SOCK_URGINLINE"),
            Linger = Has("SOCK_LINGER") ? (uint)Seconds((long)Math.Min(sock.LingerTime, long.MaxValue)) : null,
            BufferLocks = (uint)(sock.UserLocks & BufferLocks),
            BoundDevice = sock.BoundDevIf is var index and not 0 ? InterfaceName(sock.Net.Value, index) : null,
            Filter = filter,
        };
    }

    private string? InterfaceName(NetNamespace space, int index)
    {
        ref string? name = ref CollectionsMarshal.GetValueRefOrAddDefault(_interfaces, (space.Address, index), out bool known);
        if (!known) name = NetDevice.NameOf(space, index);
        return name;
    }

    /// <summary>From a struct sock_filter to CRIU's word: code, jt, jf from the top down, k below (criu/sockets.c).</summary>
    private static ulong Encode(ulong instruction)
    {
        ulong code = instruction & 0xffff;
        ulong ifTrue = instruction >> 16 & 0xff;
        ulong ifFalse = instruction >> 24 & 0xff;
        return code << 48 | ifTrue << 40 | ifFalse << 32 | instruction >> 32;
    }

    /// <summary>Ticks as whole seconds.</summary>
    public long Seconds(long ticks) => ticks / _ticksPerSecond.Value;

    private Nanoseconds TimeOf(long ticks)
    {
        if (ticks == NoTimeout) return Nanoseconds.Zero;
        long second = _ticksPerSecond.Value;
        return new Nanoseconds(ticks / second * NanosecondsPerSecond + ticks % second * NanosecondsPerSecond / second);
    }
}
