using System.Buffers;
using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Net;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Unix sockets with their names, peers and what stands unread in them.</summary>
internal static class UnixSockets
{
    private const ushort Stream = 1;    // SOCK_STREAM
    private const byte Listen = 10;     // TCP_LISTEN
    private const byte Slash = (byte)'/';

    public static Model.OpenFile? Capture(CapturedFile file, Socket socket, UnixSock unix, SocketOptions options)
    {
        Sock sock = unix.Sk;
        byte state = sock.State;
        if (unix.OobSkb is { IsNull: false }) return file.Refuse("urgent data (MSG_OOB) stands unread in it, which is not carried");
        if (state == Listen && sock.SkReceiveQueue.Qlen > 0)
            return file.Refuse($"{sock.SkReceiveQueue.Qlen} connections wait to be accepted; try again");

        ReadOnlyMemory<byte> name = unix.Addr.TryGet(out UnixAddress address) ? address.Name : default;
        UnixSocket captured = new()
        {
            Id = file.Id,
            Flags = file.Flags,
            Owner = file.Owner,
            Inode = (uint)socket.Inode.IIno,
            Type = (uint)socket.Type,
            State = state,
            Backlog = state == Listen ? sock.SkMaxAckBacklog : 0,
            Peer = PeerOf(unix),
            Name = name,
            NetNamespace = sock.Net.Value.Inum,
            Shutdown = (SocketShutdown)(sock.Shutdown & (byte)SocketShutdown.Both),
            Options = options,
        };
        if (!name.IsEmpty && name.Span[0] != 0) captured = WithPath(captured, file.Scope, unix.Path);
        if (state == Listen) return captured;
        if (ReadQueue(file, unix, captured) is not { } queue) return null;
        return captured with { ReceiveQueue = queue };
    }

    /// <summary>The inode of the other end; 0 where it is closed, or not accepted yet.</summary>
    private static uint PeerOf(UnixSock unix) =>
        unix.Peer.TryGet(out Sock peer) && peer.SkSocket.TryGet(out Socket socket) ? (uint)socket.Inode.IIno : 0;

    /// <summary>A name that is a path; relative ones begin at the directory that was the working one of bind(2).</summary>
    private static UnixSocket WithPath(UnixSocket socket, FileScope scope, PathStruct path)
    {
        if (!path.Dentry.TryGet(out DentryStruct dentry)) return socket;
        InodeStruct inode = dentry.DInode.Value;
        PathName resolved = path.NameFrom(scope.Root);
        return socket with
        {
            Permissions = new FilePermissions(inode.IMode, inode.IUid, inode.IGid),
            MountId = scope.HasOwnMounts ? path.Mnt.Value.Mount.MntId : null,
            Deleted = resolved.IsDeleted,
            NameDirectory = socket.Name.Span[0] == Slash ? null : DirectoryOf(resolved.Bytes.Span, socket.Name.Span),
        };
    }

    /// <summary>The path without the name that it ends in.</summary>
    private static string? DirectoryOf(ReadOnlySpan<byte> path, ReadOnlySpan<byte> name)
    {
        name = name.TrimEnd((byte)0);
        if (!path.EndsWith(name)) return null;
        ReadOnlySpan<byte> directory = path[..^name.Length];
        return KernelText.Decode(directory.Length > 1 ? directory.TrimEnd(Slash) : directory);
    }

    private static ImmutableArray<SocketPacket>? ReadQueue(CapturedFile file, UnixSock unix, UnixSocket socket)
    {
        var packets = ImmutableArray.CreateBuilder<SocketPacket>();
        foreach (SkBuff packet in unix.Sk.SkReceiveQueue.Packets)
        {
            UnixSkbParms control = UnixSkbParms.Of(packet);
            if (!control.Fp.IsNull)
            {
                file.Refuse("files are on their way through it (SCM_RIGHTS); try again when they are received");
                return null;
            }

            var bytes = new ArrayBufferWriter<byte>();
            packet.AppendTo(bytes);
            file.Budget.TakeObjects(1);
            file.Budget.TakeBytes(bytes.WrittenCount);
            uint consumed = socket.Type == Stream ? Math.Min(control.Consumed, (uint)bytes.WrittenCount) : 0;
            if (socket.Type != Stream || bytes.WrittenCount > consumed) packets.Add(new SocketPacket(bytes.WrittenMemory[(int)consumed..], []));
        }

        if (packets.Count > 0 && socket.Options.PassCredentials)
        {
            file.Refuse("messages with their senders' credentials (SO_PASSCRED) stand unread in it; the credentials would be lost");
            return null;
        }

        return packets.ToImmutable();
    }
}
