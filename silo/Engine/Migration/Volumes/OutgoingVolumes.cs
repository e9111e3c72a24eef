using Watari.Containers;
using Watari.Containers.Files;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;
using Watari.Transfer;

namespace Watari.Silo.Engine.Migration.Volumes;

/// <summary>The named volumes of a container that go ahead of it: all of them while it runs, and when it stands still what has changed since.</summary>
internal sealed class OutgoingVolumes
{
    private readonly string _place;
    private readonly IReadOnlyList<(VolumeCopy Copy, byte[] Path)> _volumes;
    private long _readBytes; // what a reading may come to: there was room for so much before the first

    /// <param name="record">The container's.</param>
    /// <param name="job">Names what is written of it, for a moment.</param>
    public OutgoingVolumes(ContainerRecord record, string job)
    {
        _place = Path.Combine(Path.GetTempPath(), $"watari-{job}-{Guid.NewGuid():n}");
        var memory = new VolumeMemory(VolumeLimits.Default.KnownBytes);
        _volumes = [.. SavedFiles.VolumesOf(record).Select(volume => (new VolumeCopy(GuestAgent.Protocol.ContainerId.Parse(volume.Name.ToString()), memory), volume.Path))];
    }

    /// <summary>Bytes of files' contents that were written by the last reading.</summary>
    public long ContentBytes { get; private set; }

    /// <summary>Sends them ahead.</summary>
    public PageSender? Sender { get; set; }

    /// <summary>Reads them while the container runs. Blocks: for the engine's threads.</summary>
    /// <returns>What their destination must do, see <see cref="VolumeChangesWriter"/>: whoever sends it disposes it.</returns>
    /// <exception cref="EngineException"><see cref="FailureKind.SaveFailed"/>: this host has no room for them.</exception>
    /// <exception cref="DiskException">They cannot be read, and could not either when the container stands still.</exception>
    public MappedFile ReadLive(VmLook look, CancellationToken cancellationToken)
    {
        _readBytes = ChangesFile.RoomAt(_place);
        return Write((copy, changes, root, limits) =>
        {
            try
            {
                copy.WriteLive(changes, root, limits, cancellationToken);
            }
            catch (DiskException e) when (e is DiskStructureException or DiskLimitException or GuestFileException)
            {
                // It changes too fast, or more is in it than can be known: it goes with the container.
                copy.Forget();
            }
        }, look);
    }

    /// <summary>Likewise what has changed since, while it stands still.</summary>
    /// <inheritdoc cref="ReadLive"/>
    /// <exception cref="DiskException">They cannot be read.</exception>
    public MappedFile ReadStill(VmLook look, CancellationToken cancellationToken) =>
        Write((copy, changes, root, limits) => copy.WriteStill(changes, root, limits, cancellationToken), look);

    private MappedFile Write(Action<VolumeCopy, VolumeChangesWriter, Func<IInode>, VolumeLimits> read, VmLook look)
    {
        (MappedFile file, ContentBytes) = ChangesFile.Write(
            _place,
            changes =>
            {
                foreach ((VolumeCopy copy, byte[] path) in _volumes) read(copy, changes, () => look.Files().Root.Find(path), VolumeLimits.Default with { ReadBytes = _readBytes });
            },
            "the container's volumes");
        return file;
    }
}
