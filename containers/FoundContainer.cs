using Watari.Introspection.Containers;

namespace Watari.Containers;

/// <summary>A container of a guest: what its runtime has written of it, what the guest's kernel knows of it, or both.</summary>
public sealed record FoundContainer
{
    /// <summary>The runtime's id; of one that no runtime has written of, what its cgroup is called.</summary>
    public required string Id { get; init; }

    /// <summary>Null where none can be read: a container that is only known to run.</summary>
    public required ContainerRecord? Record { get; init; }

    /// <summary>Its processes; null where none of them lives, or the guest's memory was not looked at.</summary>
    public required GuestContainer? Live { get; init; }

    public required ContainerRuntime Runtime { get; init; }

    /// <summary>As it is now, as far as can be seen; the record may be behind.</summary>
    public required ContainerState State { get; init; }

    /// <summary>In the guest's first pid namespace; null where no process of it lives.</summary>
    public required int? RootPid { get; init; }

    /// <summary>When its first process began; null where none lives, or it was not looked at.</summary>
    public DateTimeOffset? AliveSince { get; init; }

    /// <summary>When it was started last. Runc and containerd write it nowhere.</summary>
    public DateTimeOffset? Started => Record?.Started ?? AliveSince;

    /// <summary>Why <see cref="State"/> is not what the record says; null where it is.</summary>
    public string? Contradiction { get; init; }
}
