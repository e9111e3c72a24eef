using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>CRIU's own numbers for namespaces: those of the host first, then each new one as it is met.</summary>
internal sealed class NamespaceIds
{
    private static readonly NamespaceKind[] Kinds = Enum.GetValues<NamespaceKind>();
    private readonly Dictionary<(NamespaceKind, uint), uint> ids = [];

    public NamespaceIds(NamespaceSet host)
    {
        foreach (NamespaceKind kind in Kinds)
            Of(kind, host[kind]);
    }

    public uint Of(NamespaceKind kind, uint inum)
    {
        if (!ids.TryGetValue((kind, inum), out uint id))
        {
            id = (uint)ids.Count + 1;
            ids.Add((kind, inum), id);
        }
        return id;
    }

    public Proto.TaskKobjIdsEntry Build(NamespaceSet set, SharedObjects shares) => new()
    {
        VmId = shares.Memory,
        FilesId = shares.Descriptors.Value,
        FsId = shares.FileSystem,
        SighandId = shares.SignalHandlers,
        PidNsId = Of(NamespaceKind.Pid, set.Pid),
        NetNsId = Of(NamespaceKind.Net, set.Net),
        IpcNsId = Of(NamespaceKind.Ipc, set.Ipc),
        UtsNsId = Of(NamespaceKind.Uts, set.Uts),
        MntNsId = Of(NamespaceKind.Mnt, set.Mnt),
        UserNsId = Of(NamespaceKind.User, set.User),
        CgroupNsId = Of(NamespaceKind.Cgroup, set.Cgroup),
        TimeNsId = Of(NamespaceKind.Time, set.Time),
    };

    /// <summary>The namespaces of an ids entry, where the images' numbers stand for the inodes that nobody knows any more.</summary>
    public static NamespaceSet Parse(Proto.TaskKobjIdsEntry ids) => new()
    {
        Pid = ids.PidNsId,
        Net = ids.NetNsId,
        Ipc = ids.IpcNsId,
        Uts = ids.UtsNsId,
        Mnt = ids.MntNsId,
        User = ids.UserNsId,
        Cgroup = ids.CgroupNsId,
        Time = ids.TimeNsId,
    };
}
