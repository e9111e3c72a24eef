namespace Watari.GrainInterfaces.Model;

/// <summary>Bytes and pages of a transfer, in QEMU's words (<c>query-migrate</c>).</summary>
/// <param name="Total">Bytes of guest memory looked at.</param>
/// <param name="Transferred">Bytes that went over the wire.</param>
/// <param name="Normal">Pages sent as they are.</param>
/// <param name="Zero">Pages that did not travel because they hold only zeroes.</param>
/// <param name="Remaining">Bytes still to be sent.</param>
[GenerateSerializer, Immutable, Alias("watari.TransferStatistics")]
public sealed record TransferStatistics(
    [property: Id(0)] long Total,
    [property: Id(1)] long Transferred,
    [property: Id(2)] long Normal,
    [property: Id(3)] long Zero,
    [property: Id(4)] long Remaining);

/// <summary>Bytes of the contents of a container's named volumes, by when they travelled.</summary>
/// <param name="Ahead">While the container ran on.</param>
/// <param name="Within">While no copy of it ran: what had changed since.</param>
[GenerateSerializer, Immutable, Alias("watari.VolumeStatistics")]
public sealed record VolumeStatistics([property: Id(0)] long Ahead, [property: Id(1)] long Within);

/// <summary>One part of a migration's time line.</summary>
/// <param name="Name">E.g. <c>freeze</c>, <c>capture</c>, <c>skeleton</c>, <c>touch</c>, <c>memwrite</c>, <c>thaw</c>.</param>
/// <param name="Start">When it began, by the clock of the host that did it.</param>
/// <param name="Milliseconds">How long it took, by that host's monotonic clock.</param>
[GenerateSerializer, Immutable, Alias("watari.PhaseTiming")]
public sealed record PhaseTiming([property: Id(0)] string Name, [property: Id(1)] DateTimeOffset Start, [property: Id(2)] double Milliseconds);

/// <summary>What a command of the engine did: its time line and, where pages moved, how many.</summary>
/// <param name="Objections">Of a checkpoint: objects that are carried with help; of a kill: that its signal is ignored; of a stop: that it was over before, or ended by force; of a restore: what is left to be said.</param>
/// <param name="Container">Of a restore: the id of the container that was made.</param>
/// <param name="Left">Of a source that is retired: what is left of it, stopped, and why; null where nothing is.</param>
/// <param name="VolumeBytes">Of a step that sends volumes: bytes of their contents; null of all others.</param>
[GenerateSerializer, Immutable, Alias("watari.EngineReport")]
public sealed record EngineReport(
    [property: Id(0)] ImmutableArray<PhaseTiming> Phases,
    [property: Id(1)] TransferStatistics? Transfer = null,
    [property: Id(2)] ImmutableArray<ObjectVerdict>? Objections = null,
    [property: Id(3)] string? Container = null,
    [property: Id(4)] string? Left = null,
    [property: Id(5)] long? VolumeBytes = null);
