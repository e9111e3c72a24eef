using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>utsns-N, ipcns-var-N and timens-N.</summary>
internal static class NamespaceImages
{
    // The number of the clocks of tasks in the host's time namespace (criu/timens.c, prepare_timens).
    private const ulong HostClocks = 0;

    public static void Build(ImageSetWriter images, Container container, NamespaceIds ids)
    {
        foreach (UtsNamespace uts in container.UtsNamespaces)
        {
            images.Add(CriuImageKinds.Utsns, ids.Of(NamespaceKind.Uts, uts.Inum), new Proto.UtsnsEntry
            {
                Nodename = ProtoText.Of(uts.NodeName),
                Domainname = ProtoText.Of(uts.DomainName),
            });
        }
        foreach (IpcNamespace ipc in container.IpcNamespaces)
            images.Add(CriuImageKinds.IpcVar, ids.Of(NamespaceKind.Ipc, ipc.Inum), Build(ipc));
        if (container.Clocks is { } clocks)
        {
            images.Add(CriuImageKinds.Timens, ClocksOf(container, ids), new Proto.TimensEntry
            {
                Monotonic = Build(clocks.Monotonic),
                Boottime = Build(clocks.Boottime),
            });
        }
    }

    public static ImmutableArray<UtsNamespace> ParseUts(ImageSetView images) =>
    [
        .. images.Numbers(CriuImageKinds.Utsns).Select(id =>
        {
            var uts = images.Single<Proto.UtsnsEntry>(CriuImageKinds.Utsns, id);
            return new UtsNamespace(Inum(id, CriuImageKinds.Utsns), KernelText.Decode(uts.Nodename.Span), KernelText.Decode(uts.Domainname.Span));
        }),
    ];

    public static ImmutableArray<IpcNamespace> ParseIpc(ImageSetView images) =>
    [
        .. images.Numbers(CriuImageKinds.IpcVar).Select(id => Parse(Inum(id, CriuImageKinds.IpcVar), images.Single<Proto.IpcVarEntry>(CriuImageKinds.IpcVar, id))),
    ];

    public static ContainerClocks? ParseClocks(ImageSetView images)
    {
        ulong[] numbers = [.. images.Numbers(CriuImageKinds.Timens)];
        if (numbers.Length == 0)
            return null;
        if (numbers.Length > 1)
            throw new CriuImageException(CriuImageKinds.Timens.FileName(numbers[1]), "the clocks of a second time namespace");
        var clocks = images.Single<Proto.TimensEntry>(CriuImageKinds.Timens, numbers[0]);
        return new ContainerClocks(
            ProtoTime.FromTimespec(clocks.Monotonic.TvSec, clocks.Monotonic.TvNsec),
            ProtoTime.FromTimespec(clocks.Boottime.TvSec, clocks.Boottime.TvNsec));
    }

    public static uint Inum(ulong id, CriuImageKind kind) => ImageSetView.Word(id, kind.FileName(id), "its number");

    /// <summary>A container that was restored once has a time namespace of its own.</summary>
    private static ulong ClocksOf(Container container, NamespaceIds ids)
    {
        uint time = container.Processes[0].Namespaces.Time;
        return time == container.HostNamespaces.Time ? HostClocks : ids.Of(NamespaceKind.Time, time);
    }

    private static Proto.Timespec Build(Nanoseconds time) => new() { TvSec = time.Seconds, TvNsec = time.SubsecondNanoseconds };

    private static Proto.IpcVarEntry Build(IpcNamespace ipc)
    {
        var entry = new Proto.IpcVarEntry
        {
            SemCtls = { ipc.SemaphoreControls },
            MsgCtlmax = ipc.MessageMax,
            MsgCtlmnb = ipc.MessageQueueBytes,
            MsgCtlmni = ipc.MessageQueues,
            AutoMsgmni = 0,
            ShmCtlmax = ipc.SharedMemoryMax,
            ShmCtlall = ipc.SharedMemoryAll,
            ShmCtlmni = ipc.SharedMemorySegments,
            ShmRmidForced = ipc.SharedMemoryRemoveForced ? 1u : 0,
            MqQueuesMax = ipc.PosixQueues,
            MqMsgMax = ipc.PosixMessages,
            MqMsgsizeMax = ipc.PosixMessageSize,
        };
        if (ipc.PosixMessagesDefault is { } messages)
            entry.MqMsgDefault = messages;
        if (ipc.PosixMessageSizeDefault is { } size)
            entry.MqMsgsizeDefault = size;
        return entry;
    }

    private static IpcNamespace Parse(uint inum, Proto.IpcVarEntry entry) => new()
    {
        Inum = inum,
        SemaphoreControls = [.. entry.SemCtls],
        MessageMax = entry.MsgCtlmax,
        MessageQueueBytes = entry.MsgCtlmnb,
        MessageQueues = entry.MsgCtlmni,
        SharedMemoryMax = entry.ShmCtlmax,
        SharedMemoryAll = entry.ShmCtlall,
        SharedMemorySegments = entry.ShmCtlmni,
        SharedMemoryRemoveForced = entry.ShmRmidForced != 0,
        PosixQueues = entry.MqQueuesMax,
        PosixMessages = entry.MqMsgMax,
        PosixMessageSize = entry.MqMsgsizeMax,
        PosixMessagesDefault = entry.HasMqMsgDefault ? entry.MqMsgDefault : null,
        PosixMessageSizeDefault = entry.HasMqMsgsizeDefault ? entry.MqMsgsizeDefault : null,
    };
}
