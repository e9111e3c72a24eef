namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Changes of the named volumes of the job's container, which come before the container does; they follow as data (see
/// <see cref="VolumeChangesWriter"/>), are kept on the guest's disk until all of them are there, and carried out then. The first time podman
/// makes the volumes, none of which may be there. Carried out twice, they come to the same. A destroy of the job removes the volumes.
/// </summary>
public sealed record FillVolumesRequest : JobRequest
{
    /// <summary>Bytes that will follow.</summary>
    public required long Length { get; init; }

    /// <summary>The volumes are then as they were when the container was frozen: without that it is not restored on them.</summary>
    public bool IsLast { get; init; }
}

/// <param name="Changes">How many were carried out.</param>
public sealed record FillVolumesResult(long Changes);
