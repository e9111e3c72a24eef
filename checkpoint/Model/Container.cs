using System.Collections.Immutable;

namespace Watari.Checkpoint.Model;

/// <summary>
/// A container (or a plain tree of processes) at one moment, in the kernel's own terms: everything that a restore needs,
/// except the contents of pages. Numbers of processes are those of the innermost pid namespace.
/// </summary>
public sealed record Container
{
    /// <summary>A parent stands before its children.</summary>
    public required ImmutableArray<Process> Processes { get; init; }
    public required ImmutableArray<OpenFile> Files { get; init; }
    public required ImmutableArray<DescriptorTable> DescriptorTables { get; init; }
    public ImmutableArray<Pipe> Pipes { get; init; } = [];

    /// <summary>The buffers of named pipes; their ids are apart from those of <see cref="Pipes"/>.</summary>
    public ImmutableArray<Pipe> Fifos { get; init; } = [];
    public ImmutableArray<SharedMemory> SharedMemory { get; init; } = [];
    public ImmutableArray<MemfdInode> MemfdInodes { get; init; } = [];
    public ImmutableArray<GhostFile> GhostFiles { get; init; } = [];

    /// <summary>The namespaces of the guest's init: what the container has in common with them is not made anew.</summary>
    public required NamespaceSet HostNamespaces { get; init; }
    public ImmutableArray<UtsNamespace> UtsNamespaces { get; init; } = [];
    public ImmutableArray<IpcNamespace> IpcNamespaces { get; init; } = [];
    public ImmutableArray<MountNamespace> MountNamespaces { get; init; } = [];
    public ImmutableArray<TmpfsTree> Tmpfs { get; init; } = [];

    public ImmutableArray<CgroupSet> CgroupSets { get; init; } = [];
    public ImmutableArray<CgroupHierarchy> Cgroups { get; init; } = [];
    public ImmutableArray<SeccompFilter> SeccompFilters { get; init; } = [];
    public ContainerClocks? Clocks { get; init; }

    /// <summary>Bytes of the contents of all its pages and files; holes in files are none.</summary>
    public ulong ContentBytes
    {
        get
        {
            IEnumerable<PageRun> memory = Processes.SelectMany(IEnumerable<PageRun> (process) => process.Memory?.Pages ?? []);
            IEnumerable<PageRun> shared = SharedMemory.SelectMany(IEnumerable<PageRun> (segment) => segment.Pages);
            IEnumerable<PageRun> files = Tmpfs.SelectMany(tree => PagesOf(tree.Root)).Concat(GhostFiles.SelectMany(file => PagesOf(file.Contents)));
            return memory.Concat(shared).Concat(files).Aggregate(0UL, (bytes, run) => bytes + run.Bytes);
        }
    }

    private static IEnumerable<PageRun> PagesOf(TmpfsEntry entry) => PagesOf(entry.Contents).Concat(entry.Children.SelectMany(PagesOf));

    private static ImmutableArray<PageRun> PagesOf(FileContents? contents) => contents is PagedContents paged ? paged.Pages : [];
}
