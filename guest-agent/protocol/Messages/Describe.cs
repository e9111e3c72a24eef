using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>What is in the guest? No job's command: it changes nothing.</summary>
public sealed record DescribeRequest : AgentRequest;

/// <summary>The guest, its containers and its bundles. Lists are cut at 256 entries.</summary>
public sealed record GuestDescription
{
    public required AgentHello Agent { get; init; }

    /// <summary>Bytes, MemFree of /proc/meminfo.</summary>
    public required long MemoryFree { get; init; }

    public required IReadOnlyList<RuncContainer> Containers { get; init; }

    public required IReadOnlyList<Bundle> Bundles { get; init; }

    /// <summary>The jobs that have a work directory here.</summary>
    public required IReadOnlyList<JobId> Jobs { get; init; }
}

/// <summary>A container as runc's state directory has it.</summary>
/// <param name="Id">runc's id.</param>
/// <param name="Pid">Its first process.</param>
/// <param name="Status">The word of <c>runc list</c>.</param>
/// <param name="Bundle">The bundle's path.</param>
/// <param name="Cgroup">Its cgroup below /sys/fs/cgroup, as "/redis".</param>
/// <param name="Job">The job that holds it, if one does.</param>
public sealed record RuncContainer(ContainerId Id, GuestPid Pid, ContainerStatus Status, string Bundle, string Cgroup, JobId? Job = null);

/// <summary>The words of <c>runc list</c>.</summary>
[JsonConverter(typeof(KebabCaseEnum<ContainerStatus>))]
public enum ContainerStatus
{
    Running,
    Paused,
    Stopped,
}

/// <summary>A bundle: config.json and a root file system.</summary>
/// <param name="Path">The bundle's directory in the guest.</param>
/// <param name="Complete">Both are there.</param>
public sealed record Bundle(string Path, bool Complete);
