using System.Diagnostics;
using Watari.Containers.Stores;
using Watari.Containers.Stores.Containerd;
using Watari.Containers.Stores.Docker;
using Watari.Containers.Stores.Podman;
using Watari.Containers.Stores.Runc;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Tasks;

namespace Watari.Containers;

/// <summary>
/// Every container of a guest: the records of all runtimes, joined with what runs.
/// <code>
/// ContainerInventory inventory = ContainerInventory.Read(() => GuestFiles.Of(kernel, volumes), kernel);
/// foreach (FoundContainer container in inventory.Containers) ...
/// </code>
/// </summary>
public sealed class ContainerInventory
{
    /// <summary>Of two records of one container the earlier one knows more: podman and Docker have containerd and runc work for them.</summary>
    private static readonly IContainerStore[] s_stores = [new DockerStore(), new PodmanStore(), new ContainerdStore(), new RuncStore()];

    private ContainerInventory(IReadOnlyList<FoundContainer> containers, IReadOnlyList<UnreadableFile> unreadable)
    {
        Containers = containers;
        Unreadable = unreadable;
    }

    /// <summary>The newest first, as docker ps has them; those without a record before all others.</summary>
    public IReadOnlyList<FoundContainer> Containers { get; }

    /// <summary>What could not be read and is no single container's: containers may be missing.</summary>
    public IReadOnlyList<UnreadableFile> Unreadable { get; }

    /// <param name="open">Gives the guest's files, from the root on, for one look; null of a guest without a disk. Where they cannot be opened, only what runs is found, and that is told. A look that could not read all is taken again, for the guest may just have been writing.</param>
    /// <param name="kernel">Null of a guest that does not run: then states are as they were written.</param>
    /// <param name="withSizes">Whether what containers have written is measured, file by file (Docker's alone).</param>
    /// <exception cref="TornViewException">Each look at the running guest led astray.</exception>
    public static ContainerInventory Read(Func<IFileSystem>? open, GuestKernel? kernel, bool withSizes = false, ContainerLimits? limits = null)
    {
        limits ??= ContainerLimits.Default;
        List<UnreadableFile> unreadable = [];
        Dictionary<string, ContainerRecord> records = [];
        long began = Stopwatch.GetTimestamp();
        for (int attempt = 1; open is not null; attempt++)
        {
            unreadable.Clear();
            try
            {
                records = ReadRecords(new StoreFiles(open(), limits, withSizes, began), unreadable);
            }
            catch (DiskException e)
            {
                unreadable.Add(new UnreadableFile("/", e.Message));
            }

            if (attempt >= limits.Attempts || StoreFiles.IsLate(limits, began) || (unreadable.Count == 0 && records.Values.All(record => record.Unreadable.Count == 0))) break;
        }

        // After the records: what runs is newer than what is written.
        List<FoundContainer> found = kernel is null ? [.. records.Values.Select(AsWritten)] : LiveView.Look(kernel, look => Join(records, look));
        return new ContainerInventory([.. found.OrderByDescending(container => container.Record?.Created ?? DateTimeOffset.MaxValue).ThenBy(container => container.Id, StringComparer.Ordinal)], unreadable);
    }

    private static Dictionary<string, ContainerRecord> ReadRecords(StoreFiles files, List<UnreadableFile> unreadable)
    {
        var records = new Dictionary<string, ContainerRecord>(StringComparer.Ordinal);
        foreach (ContainerRecord record in s_stores.SelectMany(store => store.Read(files, unreadable)))
        {
            string id = record.Id.ToString();
            if (!records.TryGetValue(id, out ContainerRecord? first)) records[id] = record;
            // Containerd's namespaces and runc's roots may each have one of that name.
            else if (first.Runtime == record.Runtime) unreadable.Add(new UnreadableFile(id, $"{record.Runtime.ToString().ToLowerInvariant()} has another container of the same id, which is not shown"));
            else records[id] = Complete(first, record);
        }

        return records;
    }

    /// <summary>What the first does not know, of the second.</summary>
    private static ContainerRecord Complete(ContainerRecord first, ContainerRecord second) => first with
    {
        Bundle = first.Bundle ?? second.Bundle,
        RootPid = first.RootPid ?? second.RootPid,
        Created = first.Created ?? second.Created,
        Command = first.Command.Count > 0 ? first.Command : second.Command,
    };

    private static FoundContainer AsWritten(ContainerRecord record) => new()
    {
        Id = record.Id.ToString(),
        Record = record,
        Live = null,
        Runtime = record.Runtime,
        State = record.State,
        RootPid = record.RootPid,
    };

    private static List<FoundContainer> Join(Dictionary<string, ContainerRecord> records, GuestKernel look)
    {
        List<FoundContainer> found = [];
        Dictionary<string, GuestContainer> running = new(StringComparer.Ordinal);
        foreach (GuestContainer live in look.FindContainers())
        {
            // A name in the kernel may be anybody's: one that is taken twice is no second record's.
            if (!records.ContainsKey(live.Id) || !running.TryAdd(live.Id, live)) found.Add(WithoutRecord(live));
        }

        foreach ((string id, ContainerRecord record) in records) found.Add(Join(record, running.GetValueOrDefault(id), look));
        return found;
    }

    private static FoundContainer WithoutRecord(GuestContainer live) => new()
    {
        Id = live.Id,
        Record = null,
        Live = live,
        Runtime = live.Runtime,
        State = live.Init.Frozen ? ContainerState.Paused : ContainerState.Running,
        RootPid = live.Init.Pid,
    };

    private static FoundContainer Join(ContainerRecord record, GuestContainer? live, GuestKernel look)
    {
        TaskStruct? root = live?.Init ?? RootOf(record, look);
        ContainerState state = StateOf(record.State, root);
        return new FoundContainer
        {
            Id = record.Id.ToString(),
            Record = record,
            Live = live,
            Runtime = record.Runtime,
            State = state,
            RootPid = root?.Pid,
            // Runc and containerd write no state down that could be contradicted.
            Contradiction = state == record.State || record.Runtime is ContainerRuntime.Runc or ContainerRuntime.Containerd ? null
                : $"its record says {record.State.ToString().ToLowerInvariant()}, {(root is not { } alive ? "and no process of it lives" : alive.Frozen ? "and its processes are frozen" : "and its processes run")}",
        };
    }

    /// <summary>Of a container that shares the guest's pid namespace: the process of its record, if that is in a cgroup of its id.</summary>
    private static TaskStruct? RootOf(ContainerRecord record, GuestKernel look) =>
        record.RootPid is { } pid && look.TryFindProcess(pid, out TaskStruct root) && root.ExitState == 0 && RunningContainers.IdOf(root) == record.Id.ToString() ? root : null;

    private static ContainerState StateOf(ContainerState written, TaskStruct? root) => (written, root) switch
    {
        // Runc's own first process waits where the container's will be.
        (ContainerState.Created or ContainerState.Initialized, { } waiting) when waiting.Comm.ToString().StartsWith("runc:[", StringComparison.Ordinal) => written,
        (ContainerState.Stopping or ContainerState.Removing or ContainerState.Restarting, { }) => written,
        (_, { } alive) => alive.Frozen ? ContainerState.Paused : ContainerState.Running,
        (ContainerState.Running or ContainerState.Paused or ContainerState.Stopping, null) => ContainerState.Stopped,
        (_, null) => written,
    };
}
