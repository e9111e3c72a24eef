using Watari.Containers;
using Watari.Containers.Dumps;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;
using ManagedContainer = Watari.GrainInterfaces.Model.ManagedContainer;

namespace Watari.Silo.Engine.Migration;

/// <summary>A container of Docker's as its source has it, see <see cref="ManagedSource"/>.</summary>
internal static class DockerSource
{
    public const string Engine = "docker";

    private const string Digest = "sha256:", SystemdUnit = ".scope";

    /// <exception cref="ContainerStoreException">Docker would not make it at the destination, or would start it again at the source: a clause whose subject is the container.</exception>
    public static ManagedContainer Describe(VmLook look, SavedFiles files)
    {
        ContainerRecord record = files.Record;
        DockerCreation creation = Creation(look, record);
        if (record.Overlay is null) throw new ContainerStoreException("is not kept on overlay2, and only what is there is read");
        if (record.ImageId?.StartsWith(Digest, StringComparison.Ordinal) != true || !ImageId.TryParse(record.ImageId[Digest.Length..], out ImageId image))
            throw new ContainerStoreException("was made of no image, of which alone Docker makes one");
        ManagedSource.CheckNames(record);
        string? cgroup = files.Container.Live?.CgroupPath;
        return new ManagedContainer(
            Engine,
            record.Id.ToString(),
            record.Names.Count > 0 ? record.Names[0] : throw new ContainerStoreException("has no name"),
            image.ToString(),
            record.Image != record.ImageId && ImageReference.TryParse(record.Image, out ImageReference name) ? name.ToString() : null,
            ManagedSource.VolumesOf(record),
            files.Measure(),
            record.RestartPolicy.Restarts,
            [.. creation.Binds],
            cgroup is null ? null : cgroup.EndsWith(SystemdUnit, StringComparison.Ordinal) ? "systemd" : "cgroupfs");
    }

    /// <summary>What the destination's Docker is told to make.</summary>
    public static DockerCreation Creation(VmLook look, ContainerRecord record) => DockerCreation.Read(record, look.Files());
}
