using Watari.Containers;
using Watari.Containers.Files;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Kernel;

namespace Watari.Silo.Engine.Inventory;

/// <summary>
/// What a VM keeps, while it is looked at: its files and its containers. It holds the VM, its memory and connections to its disks until it is
/// disposed. One thread at a time.
/// </summary>
internal sealed class VmLook : IAsyncDisposable
{
    private readonly VmLookDisks _disks;
    private readonly LookWatch _watch;
    private readonly List<string> _notes;
    private readonly object _held;

    /// <param name="id">The VM.</param>
    /// <param name="disks">Its own connections; disposed with it.</param>
    /// <param name="watch">What ends it; of the disks, too.</param>
    /// <param name="kernel">See <see cref="Kernel"/>.</param>
    /// <param name="nothingRuns">See <see cref="NothingRuns"/>.</param>
    /// <param name="notes">See <see cref="Notes"/>.</param>
    /// <param name="held">The lease, or the server, that it ends with.</param>
    public VmLook(VmId id, VmLookDisks disks, LookWatch watch, GuestKernel? kernel, bool nothingRuns, List<string> notes, object held)
    {
        Id = id;
        Kernel = kernel;
        NothingRuns = nothingRuns;
        _disks = disks;
        _watch = watch;
        _notes = notes;
        _held = held;
    }

    public VmId Id { get; }

    /// <summary>The guest's kernel, or what is left of it; null where none can be read, or the VM is off.</summary>
    public GuestKernel? Kernel { get; }

    /// <summary>The VM is off, or its guest has ended.</summary>
    public bool NothingRuns { get; }

    /// <summary>What cannot be known, and why, without the VM's name: <c>its disks cannot be read, …</c></summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>For what reads its engines' records: some of the look's time is left for what runs, and for what is done with them.</summary>
    public ContainerLimits Limits
    {
        get
        {
            TimeSpan most = _watch.Left * 0.75;
            return most < ContainerLimits.Default.Duration ? ContainerLimits.Default with { Duration = most } : ContainerLimits.Default;
        }
    }

    /// <summary>It has lasted as long as it may: what is told of the VM from here on must not be asked of it.</summary>
    public bool IsLate => _watch.IsLate;

    /// <summary>From here on it lasts as long as it takes, or until it is cancelled: each step in the files asks.</summary>
    public void LastUntil(CancellationToken cancellationToken) => _watch.Begin(TimeSpan.MaxValue, cancellationToken);

    /// <summary>
    /// Its files from the root on, as the guest sees them now; of a guest without a kernel, as they are on its disk. Taken anew for each look,
    /// for the guest goes on. Blocks: for the engine's threads.
    /// </summary>
    /// <exception cref="DiskException">They cannot be read.</exception>
    public IFileSystem Files() => new WatchedFiles(Kernel is { } kernel ? GuestFiles.Of(kernel, _disks.Volumes) : GuestFiles.OfDisks(_disks.Volumes), _watch);

    /// <summary>Its containers as they are now: those of its runtimes' records, joined with what runs. Blocks: for the engine's threads.</summary>
    /// <param name="withSizes">Whether what containers have written is measured, file by file.</param>
    public ContainerInventory Inventory(bool withSizes = false) =>
        ContainerInventory.Read(_disks.Volumes.Count > 0 ? Files : null, NothingRuns ? null : Kernel, withSizes, Limits);

    /// <summary>A container's files as its processes see them; of one that does not run, as they would. Blocks: for the engine's threads.</summary>
    /// <exception cref="ContainerStoreException">Where they are is not known.</exception>
    /// <exception cref="DiskException">They cannot be read.</exception>
    public IFileSystem FilesOf(FoundContainer container) => new WatchedFiles(RootOf(container), _watch);

    /// <summary>Of its layers, what it has changed; null where its root is no overlay. Blocks: for the engine's threads.</summary>
    /// <exception cref="ContainerStoreException">Where they are is not known.</exception>
    /// <exception cref="DiskException">They cannot be read.</exception>
    public ContainerLayers? LayersOf(FoundContainer container) => RootOf(container).Layers;

    private ContainerRoot RootOf(FoundContainer container) => ContainerRoot.Open(container, Files(), NothingRuns ? null : Kernel, _disks.Volumes);

    public async ValueTask DisposeAsync()
    {
        _disks.Dispose();
        if (_held is IAsyncDisposable lease) await lease.DisposeAsync();
        else ((IDisposable)_held).Dispose();
    }
}
