namespace Watari.GrainInterfaces.Model;

/// <summary>What has become of a container.</summary>
[GenerateSerializer, Alias("watari.ContainerEventKind")]
public enum ContainerEventKind
{
    Create,
    Start,
    Pause,
    Unpause,

    /// <summary>Its processes have ended.</summary>
    Die,

    /// <summary>Nothing is kept of it any more.</summary>
    Remove,
    Rename,

    /// <summary>Watari has saved it.</summary>
    Checkpoint,

    /// <summary>Watari has made it out of an archive.</summary>
    Restore,

    /// <summary>Watari has moved it: told of the place that it has left, and of the one where it runs on.</summary>
    Migrate,
}

/// <summary>Something that a host has seen happen to a container of one of its VMs, or has done. Texts are as the guest has them, cut where they are long.</summary>
/// <param name="At">By the host's clock, when it was seen; of what was before the host began to look, as the container's engine has written it down.</param>
/// <param name="Container">Its id.</param>
/// <param name="Name">What people call it: its runtime's name for it, or its id.</param>
/// <param name="Runtime"><c>docker</c>, <c>podman</c>, <c>runc</c> …</param>
/// <param name="ExitCode">Where it died and that was written down.</param>
/// <param name="OldName">Where it was renamed.</param>
/// <param name="Job">Of what Watari has done.</param>
[GenerateSerializer, Immutable, Alias("watari.ContainerEvent")]
public sealed record ContainerEvent(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] ContainerEventKind Kind,
    [property: Id(2)] VmId Vm,
    [property: Id(3)] string Container,
    [property: Id(4)] string Name,
    [property: Id(5)] string Runtime,
    [property: Id(6)] string? Image = null,
    [property: Id(7)] int? ExitCode = null,
    [property: Id(8)] string? OldName = null,
    [property: Id(9)] string? Job = null);

/// <summary>Where a host's events are read on: for the host that gave it.</summary>
/// <param name="Run">Another one for each start of its silo.</param>
/// <param name="Next">Counts events from 0 on.</param>
[GenerateSerializer, Immutable, Alias("watari.EventsPlace")]
public sealed record EventsPlace([property: Id(0)] Guid Run, [property: Id(1)] long Next);

/// <summary>A piece of a host's events, in the order in which they were seen.</summary>
/// <param name="IsLast">Nothing comes after it yet.</param>
/// <param name="IsBehind">Events before it are missing: the host has forgotten them, or was started again.</param>
/// <param name="Problems">A sentence for each VM that cannot be looked into.</param>
[GenerateSerializer, Immutable, Alias("watari.EventsPiece")]
public sealed record EventsPiece(
    [property: Id(0)] ImmutableArray<ContainerEvent> Events,
    [property: Id(1)] EventsPlace Next,
    [property: Id(2)] bool IsLast,
    [property: Id(3)] bool IsBehind,
    [property: Id(4)] ImmutableArray<string> Problems);
