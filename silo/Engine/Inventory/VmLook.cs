using Watari.Containers;
using Watari.Containers.Files;
using Watari.Containers.Root;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Migration;

namespace Watari.Silo.Engine.Inventory;

/// <summary>
/// What a VM keeps, while it is looked at: its files and its containers. It holds the VM, its memory and connections to its disks until it is
/// disposed. One thread at a time.
/// </summary>
internal sealed class VmLook : IAsyncDisposable
{
    private readonly EngineThreads _threads;
    private readonly VmLookDisks _disks;
    private readonly List<string> _notes;
    private readonly object _held;

    /// <param name="id">The VM.</param>
    /// <param name="threads">Where it is read.</param>
    /// <param name="disks">Its own connections; disposed with it.</param>
    /// <param name="kernel">See <see cref="Kernel"/>.</param>
    /// <param name="nothingRuns">See <see cref="NothingRuns"/>.</param>
    /// <param name="notes">See <see cref="Notes"/>.</param>
    /// <param name="held">The lease, or the server, that it ends with.</param>
    public VmLook(VmId id, EngineThreads threads, VmLookDisks disks, GuestKernel? kernel, bool nothingRuns, List<string> notes, object held)
    {
        Id = id;
        Kernel = kernel;
        NothingRuns = nothingRuns;
        _threads = threads;
        _disks = disks;
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

    /// <summary>Works with it on one of the engine's threads.</summary>
    /// <exception cref="EngineException">Whatever fails, explained.</exception>
    public Task<T> RunAsync<T>(Func<VmLook, T> work, CancellationToken cancellationToken) =>
        Failures.ExplainAsync(Id.Vm, () => _threads.RunAsync(() => work(this), cancellationToken));

    /// <summary>
    /// Its files from the root on, as the guest sees them now; of a guest without a kernel, as they are on its disk. Taken anew for each look,
    /// for the guest goes on. Blocks: for the engine's threads.
    /// </summary>
    /// <exception cref="DiskException">They cannot be read.</exception>
    public IFileSystem Files() => Kernel is { } kernel ? GuestFiles.Of(kernel, _disks.Volumes) : GuestFiles.OfDisks(_disks.Volumes);

    /// <summary>Its containers as they are now: those of its runtimes' records, joined with what runs. Blocks: for the engine's threads.</summary>
    /// <param name="withSizes">Whether what containers have written is measured, file by file.</param>
    public ContainerInventory Inventory(bool withSizes = false) =>
        ContainerInventory.Read(_disks.Volumes.Count > 0 ? Files : null, NothingRuns ? null : Kernel, withSizes);

    /// <summary>A container's files as its processes see them; of one that does not run, as they would. Blocks: for the engine's threads.</summary>
    /// <exception cref="ContainerStoreException">Where they are is not known.</exception>
    /// <exception cref="DiskException">They cannot be read.</exception>
    public ContainerRoot RootOf(FoundContainer container) => ContainerRoot.Open(container, Files(), NothingRuns ? null : Kernel, _disks.Volumes);

    public async ValueTask DisposeAsync()
    {
        _disks.Dispose();
        if (_held is IAsyncDisposable lease) await lease.DisposeAsync();
        else ((IDisposable)_held).Dispose();
    }
}
