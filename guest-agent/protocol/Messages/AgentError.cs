using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>Why the agent did not do as it was asked.</summary>
[JsonConverter(typeof(KebabCaseEnum<AgentErrorCode>))]
public enum AgentErrorCode
{
    /// <summary>The request could not be read, or asks for what cannot be.</summary>
    BadRequest,

    /// <summary>Host and agent speak different versions of the protocol.</summary>
    ProtocolMismatch,

    /// <summary>A newer owner of the job has spoken already.</summary>
    StaleEpoch,

    /// <summary>Nothing of that job is here: it was not prepared, or was destroyed.</summary>
    UnknownJob,

    /// <summary>Another command of the same job is still running.</summary>
    Busy,

    /// <summary>The bundle is missing or has no config.json or root file system; the image is not in podman's store.</summary>
    NoImage,

    /// <summary>MemAvailable is less than what the restore needs.</summary>
    NotEnoughMemory,

    /// <summary>The file system of the guest's disk has less room than what is sent needs.</summary>
    NotEnoughDisk,

    /// <summary>A container of that id or name exists here already, or a volume that it brings.</summary>
    ContainerExists,

    /// <summary>The container, cgroup or process belongs to another job.</summary>
    ForeignContainer,

    /// <summary>The bytes that arrived are not those that were sent.</summary>
    CorruptData,

    /// <summary>There is no criu, runc or podman in the guest, or criu does not work on this kernel.</summary>
    CriuUnusable,

    /// <summary>criu, runc or podman failed; the log's tail says where.</summary>
    RestoreFailed,

    /// <summary>The deadline passed; what was running was killed.</summary>
    DeadlineExceeded,

    /// <summary>The step was begun by an agent that died in it, or was cut short by a destroy: destroy the job, then begin again.</summary>
    Interrupted,

    /// <summary>The process is not there.</summary>
    NoSuchProcess,

    /// <summary>The cgroup is not there.</summary>
    NoSuchCgroup,

    /// <summary>The guest's kernel or tools cannot do this.</summary>
    Unsupported,

    /// <summary>The container's own engine could not do it; the log's tail is what it said.</summary>
    EngineFailed,

    /// <summary>The agent itself failed.</summary>
    Internal,
}

/// <summary>A failed request.</summary>
/// <param name="Code">For programs.</param>
/// <param name="Message">For people: what was wrong and what to do.</param>
/// <param name="LogTail">The last lines, or the error lines, of the log that explains it; empty where there is none. At most 8 KiB.</param>
public sealed record AgentError(AgentErrorCode Code, string Message, string LogTail = "");

/// <summary>Enums travel in the field's own spelling: not-enough-memory.</summary>
public sealed class KebabCaseEnum<T>() : JsonStringEnumConverter<T>(System.Text.Json.JsonNamingPolicy.KebabCaseLower)
    where T : struct, Enum;
