using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>Whose container it is: who is asked to do something with it, so that its own record stays right.</summary>
[JsonConverter(typeof(KebabCaseEnum<ContainerEngine>))]
public enum ContainerEngine
{
    Docker,
    Podman,

    /// <summary>Runc alone, or another that keeps no record of what was asked of it: containerd.</summary>
    Runc,
}

/// <summary>A running container, for its engine to do something with.</summary>
/// <param name="Engine">Whose it is.</param>
/// <param name="Container">The engine's id for it.</param>
/// <param name="Cgroup">Its cgroup below /sys/fs/cgroup; null where it is not known.</param>
/// <param name="Process">Its first process, in that cgroup or below it; null where none lives.</param>
public sealed record EngineContainer(ContainerEngine Engine, ContainerId Container, string? Cgroup = null, GuestPid? Process = null);

/// <summary>
/// Ends a container as its engine's own <c>stop</c> does: its stop signal, and SIGKILL for what has not ended when the time is over. Of Docker
/// and podman their programs do it, of runc the agent. One that has ended is left as it is.
/// </summary>
public sealed record StopRequest : JobRequest
{
    public required EngineContainer Target { get; init; }

    /// <summary>1 to 64; null for the container's own, which is SIGTERM where it has none.</summary>
    public int? Signal { get; init; }

    /// <summary>Until SIGKILL; null for the container's own time, which is 10 where it has none.</summary>
    public int? Seconds { get; init; }
}

/// <param name="WasKilled">It did not end in time, and the agent had it killed. Docker and podman do not say when they have.</param>
public sealed record StopResult(bool WasKilled);
