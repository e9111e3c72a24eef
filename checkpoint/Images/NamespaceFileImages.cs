using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Open /proc/PID/ns/… files.</summary>
internal static class NamespaceFileImages
{
    // CLONE_NEW… (linux/sched.h).
    private static readonly (NamespaceKind Kind, uint Flag)[] CloneFlags =
    [
        (NamespaceKind.Time, 0x80),
        (NamespaceKind.Mnt, 0x20000),
        (NamespaceKind.Cgroup, 0x2000000),
        (NamespaceKind.Uts, 0x4000000),
        (NamespaceKind.Ipc, 0x8000000),
        (NamespaceKind.User, 0x10000000),
        (NamespaceKind.Pid, 0x20000000),
        (NamespaceKind.Net, 0x40000000),
    ];

    public static Proto.NsFileEntry Build(NamespaceFile file, NamespaceIds ids) => new()
    {
        Id = file.Id.Value,
        NsId = ids.Of(file.Kind, file.Namespace),
        NsCflag = CloneFlags.Single(pair => pair.Kind == file.Kind).Flag,
        Flags = file.Flags,
    };

    public static NamespaceFile Parse(Proto.NsFileEntry entry, string name)
    {
        foreach ((NamespaceKind kind, uint flag) in CloneFlags)
        {
            if (flag == entry.NsCflag)
                return new NamespaceFile { Id = new FileId(entry.Id), Flags = entry.Flags, Kind = kind, Namespace = entry.NsId };
        }
        throw new CriuImageException(name, $"file {entry.Id} is of no known kind of namespace ({entry.NsCflag:x})");
    }
}
