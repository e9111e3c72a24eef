using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>files: every open file of the container, each by the image family of its kind.</summary>
internal static class FileImages
{
    public static void Build(ImageSetWriter images, Container container, NamespaceIds ids)
    {
        images.Add(CriuImageKinds.Files, container.Files.Select(file => Build(file, ids)));
        PathFileImages.BuildGhosts(images, container);
        PipeImages.BuildData(images, container);
        UnixSocketImages.BuildQueues(images, container);
        TcpStreamImages.Build(images, container);
        MemfdImages.BuildInodes(images, container);
    }

    public static ImmutableArray<OpenFile> Parse(ImageSetView images)
    {
        ImmutableDictionary<uint, GhostFileId> ghosts = PathFileImages.ParseRemaps(images);
        ILookup<uint, SocketPacket> queues = UnixSocketImages.ParseQueues(images);
        string name = CriuImageKinds.Files.FileName();
        return
        [
            .. images.Messages<Proto.FileEntry>(CriuImageKinds.Files).Select(OpenFile (entry) => entry switch
            {
                { Reg: { } file } => PathFileImages.Parse(file, ghosts),
                { Pipe: { } pipe } => PipeImages.Parse(pipe),
                { Fifo: { } fifo } => PipeImages.Parse(fifo),
                { Efd: { } eventfd } => EventImages.Parse(eventfd),
                { Epfd: { } epoll } => EventImages.Parse(epoll),
                { Sgfd: { } signalfd } => EventImages.Parse(signalfd),
                { Tfd: { } timerfd } => EventImages.Parse(timerfd),
                { Ify: { } inotify } => InotifyImages.Parse(inotify),
                { Isk: { } socket } => InetSocketImages.Parse(socket, TcpStreamImages.Parse(images, socket), name),
                { Usk: { } socket } => UnixSocketImages.Parse(socket, queues[socket.Id]),
                { Memfd: { } memfd } => MemfdImages.Parse(memfd),
                { Nsf: { } file } => NamespaceFileImages.Parse(file, name),
                _ => throw new CriuImageException(name, $"file {entry.Id} is of the kind {entry.Type}, which is not carried"),
            }),
        ];
    }

    /// <summary>The kind that descriptors name beside the file's id.</summary>
    public static Proto.FdType TypeOf(OpenFile file) => file switch
    {
        PathFile => Proto.FdType.Reg,
        PipeEnd => Proto.FdType.Pipe,
        Fifo => Proto.FdType.Fifo,
        EventFd => Proto.FdType.Eventfd,
        EventPoll => Proto.FdType.Eventpoll,
        SignalFd => Proto.FdType.Signalfd,
        TimerFd => Proto.FdType.Timerfd,
        Inotify => Proto.FdType.Inotify,
        InetSocket => Proto.FdType.Inetsk,
        UnixSocket => Proto.FdType.Unixsk,
        MemfdFile => Proto.FdType.Memfd,
        NamespaceFile => Proto.FdType.Ns,
        _ => throw new ArgumentException($"A file of the kind {file.GetType().Name} has no place in the images.", nameof(file)),
    };

    private static Proto.FileEntry Build(OpenFile file, NamespaceIds ids)
    {
        var entry = new Proto.FileEntry { Type = TypeOf(file), Id = file.Id.Value };
        switch (file)
        {
            case PathFile path:
                entry.Reg = PathFileImages.Build(path);
                break;
            case PipeEnd pipe:
                entry.Pipe = PipeImages.Build(pipe);
                break;
            case Fifo fifo:
                entry.Fifo = PipeImages.Build(fifo);
                break;
            case EventFd eventfd:
                entry.Efd = EventImages.Build(eventfd);
                break;
            case EventPoll epoll:
                entry.Epfd = EventImages.Build(epoll);
                break;
            case SignalFd signalfd:
                entry.Sgfd = EventImages.Build(signalfd);
                break;
            case TimerFd timerfd:
                entry.Tfd = EventImages.Build(timerfd);
                break;
            case Inotify inotify:
                entry.Ify = InotifyImages.Build(inotify);
                break;
            case InetSocket socket:
                entry.Isk = InetSocketImages.Build(socket, ids);
                break;
            case UnixSocket socket:
                entry.Usk = UnixSocketImages.Build(socket, ids);
                break;
            case MemfdFile memfd:
                entry.Memfd = MemfdImages.Build(memfd);
                break;
            case NamespaceFile namespaceFile:
                entry.Nsf = NamespaceFileImages.Build(namespaceFile, ids);
                break;
        }
        return entry;
    }
}
