using System.Text.Json;
using Watari.Containers;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection.Containers;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;
using PodmanContainer = Watari.GrainInterfaces.Model.PodmanContainer;

namespace Watari.Silo.Engine.Migration;

/// <summary>A container of podman's as its source has it: what the destination's podman must know to make it, and what keeps it from being moved.</summary>
internal static class PodmanSource
{
    /// <summary>While it runs. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: podman would not make it at the destination, or would start it again at the source.</exception>
    public static PodmanContainer Describe(VmLook look, string id)
    {
        SavedFiles files = Find(look, id);
        ContainerRecord record = files.Record;
        string name = record.Names.Count > 0 ? record.Names[0] : id;
        if (record.Labels?.GetValueOrDefault("PODMAN_SYSTEMD_UNIT") is { } unit)
            throw Refused($"is run by the systemd unit '{ShownText.Of(unit)}' of VM '{look.Id.Vm}', which would start another when this one is moved away: run it by podman alone (systemctl disable --now), or move the unit");
        if (HasDependencies(files)) throw Refused("shares namespaces with another container, or depends on one, which podman restores no container with");
        if (record.Pod is not null) throw Refused("is in a pod, which podman does not restore: move what is in it by other means");
        if (!ImageId.TryParse(record.ImageId, out _)) throw Refused("was made of no image, of which alone podman makes one");
        string[] volumes = [.. record.Mounts.Where(mount => mount.Type == "volume").Select(mount => mount.Name ?? "").Distinct()];
        if (volumes.Append(name).FirstOrDefault(text => !ContainerId.TryParse(text, out _)) is { } odd)
            throw Refused($"bears the name '{ShownText.Of(odd)}', or has a volume of that name, which is none that podman takes");
        return new PodmanContainer(id, name, record.ImageId!, ImageReference.TryParse(record.Image, out ImageReference image) ? image.ToString() : null, [.. volumes], files.Measure(), record.RestartPolicy.Restarts);

        EngineException Refused(string why) => new(FailureKind.Refused, $"Container '{id}' in VM '{look.Id.Vm}' {why}.");
    }

    /// <summary>Podman's import refuses one that has them (libpod, ContainerConfig.Dependencies).</summary>
    private static bool HasDependencies(SavedFiles files)
    {
        using JsonDocument config = JsonDocument.Parse(files.Dumps.Config);
        return config.RootElement.TryGetProperty("dependencies", out JsonElement dependencies) && dependencies.ValueKind == JsonValueKind.Array && dependencies.GetArrayLength() > 0;
    }

    /// <summary>What an archive of it will hold.</summary>
    /// <param name="look">Of its VM.</param>
    /// <param name="id">The container's.</param>
    /// <param name="withVolumes">Its volumes too.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: podman's record of it cannot be read.</exception>
    public static SavedFiles Find(VmLook look, string id, bool withVolumes = true)
    {
        try
        {
            var files = SavedFiles.Find(look, id, withVolumes: withVolumes);
            return files.Record.Runtime == ContainerRuntime.Podman ? files : throw new ContainerStoreException("it is podman's by its cgroup, and podman has no record of it");
        }
        catch (ContainerStoreException e)
        {
            throw new EngineException(FailureKind.Refused, $"Podman's record of container '{id}' in VM '{look.Id.Vm}' cannot be read: {e.Message}.", e);
        }
    }

    /// <summary>The same in the agent's words; names were looked at when it was described.</summary>
    public static GuestAgent.Protocol.PodmanContainer ForAgent(this PodmanContainer container) => new()
    {
        Id = ContainerId.Parse(container.Id),
        Name = ContainerId.Parse(container.Name),
        Image = ImageId.Parse(container.ImageId),
        ImageName = container.ImageName is { } name ? ImageReference.Parse(name) : null,
        Volumes = [.. container.Volumes.Select(ContainerId.Parse)],
        FileBytes = container.FileBytes,
    };
}
