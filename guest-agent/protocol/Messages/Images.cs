namespace Watari.GuestAgent.Protocol;

/// <summary>One file of the image set; its bytes follow as data. A file of that name is replaced.</summary>
public sealed record PutImageRequest : JobRequest
{
    public required ImageName Name { get; init; }

    /// <summary>Bytes that will follow.</summary>
    public required long Length { get; init; }
}

/// <param name="Length">Bytes written, hash checked.</param>
public sealed record PutImageResult(long Length);

/// <summary>
/// Podman's checkpoint archive; its bytes follow as data, and one that is there is replaced. For a <see cref="RestoreArchiveRequest"/> it
/// is whole, for a <see cref="RestoreRequest"/> all but the image set, and not packed: a tar with config.dump, spec.dump and the files
/// that changed. It is kept on the guest's disk, for a root file system's changes may be larger than the guest's memory.
/// </summary>
public sealed record PutArchiveRequest : JobRequest
{
    /// <summary>Bytes that will follow.</summary>
    public required long Length { get; init; }
}

/// <param name="Length">Bytes written, hash checked.</param>
public sealed record PutArchiveResult(long Length);

/// <summary>
/// Allocates a file of the image set (as "pages-1.img") whose bytes the host will write into the
/// guest's memory. The answer's data are the file's <see cref="LandingRun"/>s.
/// The pages are pinned as I/O buffers (io_uring registered buffers: FOLL_LONGTERM), which keeps the
/// kernel from migrating them; mlock alone keeps them from being swapped but not from being moved by
/// compaction. Where <see cref="LandingZoneResult.Pinned"/> is false, the list is only a hint, to be
/// checked under pause. The pin lasts until the restore ends, the job is released or destroyed, or the
/// agent dies.
/// </summary>
public sealed record LandingZoneRequest : JobRequest
{
    public required ImageName Name { get; init; }

    /// <summary>Bytes; the last page may be part of one.</summary>
    public required long Length { get; init; }
}

/// <param name="Pages">Pages of 4096 bytes.</param>
/// <param name="Runs">Runs that lie one behind the other in guest-physical memory.</param>
/// <param name="Pinned">The pages cannot move while the pin lasts.</param>
public sealed record LandingZoneResult(long Pages, int Runs, bool Pinned);
