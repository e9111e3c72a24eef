using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>utsns-N, ipcns-var-N and timens-0.</summary>
internal static class NamespaceImages
{
    // CRIU writes one set of clocks, under the number 0.
    private const ulong Clocks = 0;

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
            images.Add(CriuImageKinds.Timens, Clocks, new Proto.TimensEntry
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
        if (!images.Numbers(CriuImageKinds.Timens).Contains(Clocks))
            return null;
        var clocks = images.Single<Proto.TimensEntry>(CriuImageKinds.Timens, Clocks);
        return new ContainerClocks(
            ProtoTime.FromTimespec(clocks.Monotonic.TvSec, clocks.Monotonic.TvNsec),
            ProtoTime.FromTimespec(clocks.Boottime.TvSec, clocks.Boottime.TvNsec));
    }

    public static uint Inum(ulong id, CriuImageKind kind) => ImageSetView.Word(id, kind.FileName(id), "its number");

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
