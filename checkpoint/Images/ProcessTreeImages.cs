using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>pstree and ids-PID: the processes and what they share.</summary>
internal static class ProcessTreeImages
{
    public static void Build(ImageSetWriter images, Container container, NamespaceIds ids)
    {
        images.Add(CriuImageKinds.Pstree, container.Processes.Select(process => new Proto.PstreeEntry
        {
            Pid = (uint)process.Pid,
            Ppid = (uint)process.ParentPid,
            Pgid = (uint)process.ProcessGroup,
            Sid = (uint)process.Session,
            Threads = { process.Threads.Select(thread => (uint)thread.Tid) },
        }));

        foreach (Process process in container.Processes)
        {
            if (process.State != ProcessState.Zombie)
                images.Add(CriuImageKinds.Ids, (ulong)process.Pid, ids.Build(process.Namespaces, process.Shares));
        }
    }

    public static ImmutableArray<Proto.PstreeEntry> Parse(ImageSetView images)
    {
        string name = CriuImageKinds.Pstree.FileName();
        ImmutableArray<Proto.PstreeEntry> tree = [.. images.Messages<Proto.PstreeEntry>(CriuImageKinds.Pstree)];
        if (tree.IsEmpty)
            throw new CriuImageException(name, "it is missing or empty");
        foreach (Proto.PstreeEntry entry in tree)
        {
            if (entry.Threads.Count == 0 || entry.Threads[0] != entry.Pid)
                throw new CriuImageException(name, $"the threads of process {entry.Pid} do not begin with its leader");
            if (entry.Pid is 0 or > int.MaxValue || entry.Ppid > int.MaxValue || entry.Pgid > int.MaxValue || entry.Sid > int.MaxValue || entry.Threads.Any(t => t > int.MaxValue))
                throw new CriuImageException(name, $"process {entry.Pid} has a number that no process can have");
        }
        return tree;
    }

    public static (NamespaceSet Namespaces, SharedObjects Shares) ParseIds(ImageSetView images, uint pid)
    {
        var ids = images.Single<Proto.TaskKobjIdsEntry>(CriuImageKinds.Ids, pid);
        return (NamespaceIds.Parse(ids), new SharedObjects(ids.VmId, new DescriptorTableId(ids.FilesId), ids.FsId, ids.SighandId));
    }
}
