using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>SOL_SOCKET options of a socket.</summary>
internal static class SocketOptionImages
{
    public static Proto.SkOptsEntry Build(SocketOptions options)
    {
        var entry = new Proto.SkOptsEntry
        {
            SoSndbuf = options.SendBuffer,
            SoRcvbuf = options.ReceiveBuffer,
            SoSndTmoSec = options.SendTimeout.Seconds,
            SoSndTmoUsec = options.SendTimeout.SubsecondMicroseconds,
            SoRcvTmoSec = options.ReceiveTimeout.Seconds,
            SoRcvTmoUsec = options.ReceiveTimeout.SubsecondMicroseconds,
            Reuseaddr = options.ReuseAddress,
            SoPriority = options.Priority,
            SoRcvlowat = options.ReceiveLowWater,
            SoPasscred = options.PassCredentials,
            SoPasssec = options.PassSecurity,
            SoDontroute = options.DontRoute,
            SoNoCheck = options.NoCheck,
            SoReuseport = options.ReusePort,
            SoBroadcast = options.Broadcast,
            SoKeepalive = options.KeepAlive,
            SoOobinline = options.OutOfBandInline ? 1u : 0,
            SoBufLock = options.BufferLocks,
            SoFilter = { options.Filter },
        };
        if (options.Mark != 0)
            entry.SoMark = options.Mark;
        if (options.Linger is { } seconds)
            entry.SoLinger = seconds;
        if (options.BoundDevice is { } device)
            entry.SoBoundDev = device;
        return entry;
    }

    public static SocketOptions Parse(Proto.SkOptsEntry entry) => new()
    {
        SendBuffer = entry.SoSndbuf,
        ReceiveBuffer = entry.SoRcvbuf,
        SendTimeout = ProtoTime.FromTimeval(entry.SoSndTmoSec, entry.SoSndTmoUsec),
        ReceiveTimeout = ProtoTime.FromTimeval(entry.SoRcvTmoSec, entry.SoRcvTmoUsec),
        ReuseAddress = entry.Reuseaddr,
        ReusePort = entry.SoReuseport,
        Priority = entry.SoPriority,
        ReceiveLowWater = entry.HasSoRcvlowat ? entry.SoRcvlowat : 1,
        Mark = entry.SoMark,
        PassCredentials = entry.SoPasscred,
        PassSecurity = entry.SoPasssec,
        DontRoute = entry.SoDontroute,
        NoCheck = entry.SoNoCheck,
        Broadcast = entry.SoBroadcast,
        KeepAlive = entry.SoKeepalive,
        OutOfBandInline = entry.SoOobinline != 0,
        Linger = entry.HasSoLinger ? entry.SoLinger : null,
        BufferLocks = entry.SoBufLock,
        BoundDevice = entry.HasSoBoundDev ? entry.SoBoundDev : null,
        Filter = [.. entry.SoFilter],
    };
}
