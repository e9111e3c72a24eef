using System.Collections.Immutable;
using Watari.Containers;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Introspection.Containers;
using Watari.Silo.Engine.Checkpoints;
using Watari.Silo.Engine.Inventory;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;
using ManagedContainer = Watari.GrainInterfaces.Model.ManagedContainer;

namespace Watari.Silo.Engine.Migration;

/// <summary>A container of Docker's or podman's as its source has it: what the destination's engine must know to make it, and what keeps it from being moved.</summary>
internal static class ManagedSource
{
    /// <summary>It has an engine that keeps a record of it, and makes it at the destination.</summary>
    public static bool IsManaged(ContainerRuntime runtime) => runtime is ContainerRuntime.Docker or ContainerRuntime.Podman;

    /// <summary>While it runs. Blocks: for the engine's threads.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: its engine would not make it at the destination, or would start it again at the source.</exception>
    public static ManagedContainer Describe(VmLook look, string id)
    {
        SavedFiles files = Find(look, id);
        try
        {
            return files.Record.Runtime == ContainerRuntime.Docker ? DockerSource.Describe(look, files) : PodmanSource.Describe(look, files);
        }
        catch (ContainerStoreException e)
        {
            throw new EngineException(FailureKind.Refused, $"Container '{id}' in VM '{look.Id.Vm}' {e.Message}.", e);
        }
    }

    /// <summary>What goes with it.</summary>
    /// <param name="look">Of its VM.</param>
    /// <param name="id">The container's.</param>
    /// <param name="withVolumes">Its volumes too.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: its engine's record of it cannot be read.</exception>
    public static SavedFiles Find(VmLook look, string id, bool withVolumes = true)
    {
        try
        {
            var files = SavedFiles.Find(look, id, withVolumes: withVolumes);
            return IsManaged(files.Record.Runtime) ? files : throw new ContainerStoreException("it is an engine's by its cgroup, and no engine has a record of it");
        }
        catch (ContainerStoreException e)
        {
            throw new EngineException(FailureKind.Refused, $"The record of container '{id}' in VM '{look.Id.Vm}' cannot be read: {e.Message}.", e);
        }
    }

    /// <exception cref="ContainerStoreException">An engine would not take one.</exception>
    public static void CheckNames(ContainerRecord record)
    {
        if (VolumesOf(record).Append(record.Names.Count > 0 ? record.Names[0] : record.Id.ToString()).FirstOrDefault(text => !ContainerId.TryParse(text, out _)) is { } odd)
            throw new ContainerStoreException($"bears the name '{ShownText.Of(odd)}', or has a volume of that name, which is none that an engine takes");
    }

    /// <summary>Names of its volumes.</summary>
    public static ImmutableArray<string> VolumesOf(ContainerRecord record) => [.. record.Mounts.Where(mount => mount.Type == "volume").Select(mount => mount.Name ?? "").Distinct()];

    /// <summary>The same in the agent's words; names were looked at when it was described.</summary>
    public static GuestAgent.Protocol.ManagedContainer ForAgent(this ManagedContainer container) => new()
    {
        Engine = container.Engine == DockerSource.Engine ? ContainerEngine.Docker : ContainerEngine.Podman,
        Id = ContainerId.Parse(container.Id),
        Name = ContainerId.Parse(container.Name),
        Image = ImageId.Parse(container.ImageId),
        ImageName = container.ImageName is { } name ? ImageReference.Parse(name) : null,
        Volumes = [.. container.Volumes.Select(ContainerId.Parse)],
        Binds = container.Binds,
        CgroupDriver = container.CgroupDriver,
        FileBytes = container.FileBytes,
    };
}
