namespace Watari.GuestAgent.Protocol;

/// <summary>The version of frames and messages. It is raised by whatever an older peer would misread; a field added does not raise it.</summary>
public static class ProtocolVersion
{
    public const int Current = 1;
}

/// <summary>What the host says first.</summary>
/// <param name="Protocol">The host's <see cref="ProtocolVersion"/>.</param>
/// <param name="Client">Who speaks, for the agent's log.</param>
public sealed record HostHello(int Protocol, string Client);

/// <summary>The agent and the guest it runs in.</summary>
public sealed record AgentHello
{
    /// <summary>The agent's <see cref="ProtocolVersion"/>.</summary>
    public required int Protocol { get; init; }

    public required string AgentVersion { get; init; }

    /// <summary>Another one for each start of the agent: 32 hexadecimal digits.</summary>
    public required string Instance { get; init; }

    /// <summary>uname -r.</summary>
    public required string KernelRelease { get; init; }

    /// <summary>As <c>criu --version</c> says it, as "4.1.1"; null where there is no criu.</summary>
    public string? CriuVersion { get; init; }

    /// <summary>As <c>runc --version</c> says it, as "1.1.15+ds1"; null where there is no runc.</summary>
    public string? RuncVersion { get; init; }

    /// <summary>As <c>podman --version</c> says it, as "5.4.2"; null where there is no podman.</summary>
    public string? PodmanVersion { get; init; }

    /// <summary>/proc/sys/kernel/random/boot_id.</summary>
    public required string BootId { get; init; }

    /// <summary>Bytes, MemTotal of /proc/meminfo.</summary>
    public required long MemoryTotal { get; init; }

    /// <summary>Bytes, MemAvailable of /proc/meminfo.</summary>
    public required long MemoryAvailable { get; init; }

    public required int Vcpus { get; init; }

    /// <summary>The flags of the first CPU in /proc/cpuinfo.</summary>
    public required IReadOnlyList<string> CpuFlags { get; init; }

    /// <summary>What this agent can do, by the names of its requests.</summary>
    public required IReadOnlyList<string> Features { get; init; }
}
