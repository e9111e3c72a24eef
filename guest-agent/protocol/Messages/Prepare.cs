namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Makes the job's work directory below /run/watari (tmpfs) and checks that a restore can begin:
/// the bundle is whole, or the engine can make the container (see <see cref="CheckManagedRequest"/>), no container of that id exists, criu
/// runs on this kernel, the memory is there. Without a container the job is one of a plain process tree.
/// </summary>
public sealed record PrepareRequest : JobRequest
{
    /// <summary>The id that a container of runc's will have; null where it is an engine's, and for a plain process tree.</summary>
    public ContainerId? Container { get; init; }

    /// <summary>The directory of a bundle of runc's; null where it is not runc's, and for a plain process tree.</summary>
    public string? Bundle { get; init; }

    /// <summary>The container that Docker or podman will make; null where it is neither's.</summary>
    public ManagedContainer? Managed { get; init; }

    /// <summary>Bytes that must be available: the images' and the container's together.</summary>
    public required long MemoryNeeded { get; init; }
}

/// <summary>What was made ready.</summary>
/// <param name="WorkDirectory">The job's directory in the guest.</param>
/// <param name="MemoryAvailable">Bytes, MemAvailable of /proc/meminfo.</param>
public sealed record PrepareResult(string WorkDirectory, long MemoryAvailable);
