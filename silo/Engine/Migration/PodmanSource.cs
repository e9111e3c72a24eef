using System.Text.Json;
using Watari.Containers;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;
using ManagedContainer = Watari.GrainInterfaces.Model.ManagedContainer;

namespace Watari.Silo.Engine.Migration;

/// <summary>A container of podman's as its source has it, see <see cref="ManagedSource"/>.</summary>
internal static class PodmanSource
{
    private const string Engine = "podman";

    /// <exception cref="ContainerStoreException">Podman would not make it at the destination, or would start it again at the source: a clause whose subject is the container.</exception>
    public static ManagedContainer Describe(VmLook look, SavedFiles files)
    {
        ContainerRecord record = files.Record;
        if (record.Labels?.GetValueOrDefault("PODMAN_SYSTEMD_UNIT") is { } unit)
            throw new ContainerStoreException($"is run by the systemd unit '{ShownText.Of(unit)}' of VM '{look.Id.Vm}', which would start another when this one is moved away: run it by podman alone (systemctl disable --now), or move the unit");
        if (HasDependencies(files)) throw new ContainerStoreException("shares namespaces with another container, or depends on one, which podman restores no container with");
        if (record.Pod is not null) throw new ContainerStoreException("is in a pod, which podman does not restore: move what is in it by other means");
        if (!ImageId.TryParse(record.ImageId, out _)) throw new ContainerStoreException("was made of no image, of which alone podman makes one");
        ManagedSource.CheckNames(record);
        return new ManagedContainer(
            Engine,
            record.Id.ToString(),
            record.Names.Count > 0 ? record.Names[0] : record.Id.ToString(),
            record.ImageId!,
            ImageReference.TryParse(record.Image, out ImageReference image) ? image.ToString() : null,
            ManagedSource.VolumesOf(record),
            files.Measure(),
            record.RestartPolicy.Restarts,
            // Podman itself says what is missing, and makes nothing of it.
            Binds: []);
    }

    /// <summary>Podman's import refuses one that has them (libpod, ContainerConfig.Dependencies).</summary>
    private static bool HasDependencies(SavedFiles files)
    {
        using JsonDocument config = JsonDocument.Parse(files.Dumps.Config);
        return config.RootElement.TryGetProperty("dependencies", out JsonElement dependencies) && dependencies.ValueKind == JsonValueKind.Array && dependencies.GetArrayLength() > 0;
    }
}
