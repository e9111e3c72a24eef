namespace Watari.GrainInterfaces.Model;

/// <summary>What a check of a VM came to.</summary>
[GenerateSerializer, Alias("watari.CheckLevel")]
public enum CheckLevel
{
    Ok,

    /// <summary>Watari works, and something of it does not.</summary>
    Warning,

    /// <summary>It stands in the way: containers of this VM cannot be listed or moved.</summary>
    Problem,

    /// <summary>A check before it failed.</summary>
    NotLookedAt,
}

/// <summary>One check of a VM.</summary>
/// <param name="Subject">What is looked at, in a word or two: <c>kernel</c>, <c>type information</c>.</param>
/// <param name="Finding">What there is, in one line.</param>
/// <param name="Remedy">What to do about it; null where there is nothing to do.</param>
[GenerateSerializer, Immutable, Alias("watari.VmCheck")]
public sealed record VmCheck([property: Id(0)] string Subject, [property: Id(1)] CheckLevel Level, [property: Id(2)] string Finding, [property: Id(3)] string? Remedy = null);

/// <summary>Whether a VM is fit for Watari, check by check.</summary>
[GenerateSerializer, Immutable, Alias("watari.VmExamination")]
public sealed record VmExamination([property: Id(0)] VmId Vm, [property: Id(1)] ImmutableArray<VmCheck> Checks);

/// <summary>A record of a guest kernel's log.</summary>
/// <param name="Sequence">Counts from 0 at boot, without gaps.</param>
/// <param name="Nanoseconds">Since the guest's boot.</param>
/// <param name="Level">0 (emerg) to 7 (debug).</param>
/// <param name="Facility">As in syslog(3), 0 is the kernel's own.</param>
/// <param name="Caller">The thread's id, or with bit 31 set the processor's number.</param>
/// <param name="Text">As it was written: whatever is in it comes out of the guest.</param>
[GenerateSerializer, Immutable, Alias("watari.KernelLogEntry")]
public sealed record KernelLogEntry(
    [property: Id(0)] ulong Sequence,
    [property: Id(1)] ulong Nanoseconds,
    [property: Id(2)] int Level,
    [property: Id(3)] int Facility,
    [property: Id(4)] uint Caller,
    [property: Id(5)] string Text);

/// <summary>A piece of a guest kernel's log.</summary>
/// <param name="Next">Where the next piece begins.</param>
/// <param name="IsLast">There is nothing after it yet.</param>
/// <param name="BootTime">When the guest's log began, by its own wall clock; null where its clocks cannot be read.</param>
[GenerateSerializer, Immutable, Alias("watari.KernelLogPiece")]
public sealed record KernelLogPiece(
    [property: Id(0)] ImmutableArray<KernelLogEntry> Entries,
    [property: Id(1)] ulong Next,
    [property: Id(2)] bool IsLast,
    [property: Id(3)] DateTimeOffset? BootTime);
