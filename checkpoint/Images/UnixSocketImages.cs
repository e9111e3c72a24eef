using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Unix sockets; sk-queues for what stands unread in them.</summary>
internal static class UnixSocketImages
{
    // SOL_SOCKET control message SCM_RIGHTS.
    private const uint ScmRights = 1;

    public static Proto.UnixSkEntry Build(UnixSocket socket, NamespaceIds ids)
    {
        var entry = new Proto.UnixSkEntry
        {
            Id = socket.Id.Value,
            Ino = socket.Inode,
            Type = socket.Type,
            State = socket.State,
            Flags = socket.Flags,
            Uflags = 0,
            Backlog = socket.Backlog,
            Peer = socket.Peer,
            Fown = FileOwnerImages.Build(socket.Owner),
            Opts = SocketOptionImages.Build(socket.Options),
            Name = ProtoText.Of(socket.Name),
            NsId = ids.Of(NamespaceKind.Net, socket.NetNamespace),
        };
        if (socket.Shutdown != SocketShutdown.None)
            entry.Shutdown = (Proto.SkShutdown)socket.Shutdown;
        if (socket.Permissions is { } permissions)
            entry.FilePerms = new Proto.FilePermsEntry { Mode = permissions.Mode, Uid = permissions.Uid, Gid = permissions.Gid };
        if (socket.NameDirectory is { } directory)
            entry.NameDir = ProtoText.Of(directory);
        if (socket.Deleted)
            entry.Deleted = true;
        if (socket.MountId is { } mount)
            entry.MntId = mount;
        return entry;
    }

    public static UnixSocket Parse(Proto.UnixSkEntry entry, IEnumerable<SocketPacket> queue) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Inode = entry.Ino,
        Type = entry.Type,
        State = entry.State,
        Backlog = entry.Backlog,
        Peer = entry.Peer,
        Name = entry.Name.Memory,
        Permissions = entry.FilePerms is { } permissions ? new FilePermissions(permissions.Mode, permissions.Uid, permissions.Gid) : null,
        Deleted = entry.Deleted,
        MountId = entry.HasMntId && entry.MntId != -1 ? entry.MntId : null,
        NameDirectory = entry.HasNameDir ? KernelText.Decode(entry.NameDir.Span) : null,
        NetNamespace = entry.NsId,
        Shutdown = (SocketShutdown)entry.Shutdown,
        Options = SocketOptionImages.Parse(entry.Opts),
        ReceiveQueue = [.. queue],
    };

    public static void BuildQueues(ImageSetWriter images, Container container)
    {
        var writer = new CriuImageWriter(CriuImageKinds.SkQueues);
        bool any = false;
        foreach (UnixSocket socket in container.Files.OfType<UnixSocket>())
        {
            foreach (SocketPacket packet in socket.ReceiveQueue)
            {
                var entry = new Proto.SkPacketEntry { IdFor = socket.Id.Value, Length = (uint)packet.Data.Length };
                if (!packet.Rights.IsEmpty)
                    entry.Scm.Add(new Proto.ScmEntry { Type = ScmRights, Rights = { packet.Rights.Select(file => file.Value) } });
                writer.Add(entry, packet.Data.Span);
                any = true;
            }
        }
        if (any)
            images.Add(CriuImageKinds.SkQueues.FileName(), writer.ToArray());
    }

    /// <summary>Packets by the file of the socket in whose queue they stand.</summary>
    public static ILookup<uint, SocketPacket> ParseQueues(ImageSetView images) => images.Read(CriuImageKinds.SkQueues).ToLookup(
        entry => ((Proto.SkPacketEntry)entry.Message).IdFor,
        entry => new SocketPacket(
            entry.Payload,
            [.. ((Proto.SkPacketEntry)entry.Message).Scm.Where(scm => scm.Type == ScmRights).SelectMany(scm => scm.Rights).Select(id => new FileId(id))]));
}
