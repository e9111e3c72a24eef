using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>What the host asks of the agent. The discriminator <c>method</c> names it.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "method")]
[JsonDerivedType(typeof(DescribeRequest), "describe")]
[JsonDerivedType(typeof(CheckManagedRequest), "check-managed")]
[JsonDerivedType(typeof(PrepareRequest), "prepare")]
[JsonDerivedType(typeof(PutImageRequest), "put-image")]
[JsonDerivedType(typeof(PutArchiveRequest), "put-archive")]
[JsonDerivedType(typeof(FillVolumesRequest), "fill-volumes")]
[JsonDerivedType(typeof(LandingZoneRequest), "landing-zone")]
[JsonDerivedType(typeof(RestoreRequest), "restore")]
[JsonDerivedType(typeof(RestoreArchiveRequest), "restore-archive")]
[JsonDerivedType(typeof(TouchRequest), "touch")]
[JsonDerivedType(typeof(FreezeRequest), "freeze")]
[JsonDerivedType(typeof(ThawRequest), "thaw")]
[JsonDerivedType(typeof(KillRequest), "kill")]
[JsonDerivedType(typeof(StopRequest), "stop")]
[JsonDerivedType(typeof(ExecStartRequest), "exec-start")]
[JsonDerivedType(typeof(ExecReadRequest), "exec-read")]
[JsonDerivedType(typeof(ExecWriteRequest), "exec-write")]
[JsonDerivedType(typeof(ExecEndRequest), "exec-end")]
[JsonDerivedType(typeof(DestroyRequest), "destroy")]
[JsonDerivedType(typeof(ReleaseRequest), "release")]
[JsonDerivedType(typeof(RemoveManagedRequest), "remove-managed")]
[JsonDerivedType(typeof(StatusRequest), "status")]
[JsonDerivedType(typeof(SyncRequest), "sync")]
[JsonDerivedType(typeof(SetClockRequest), "set-clock")]
[JsonDerivedType(typeof(LoopbackUpRequest), "loopback-up")]
public abstract record AgentRequest
{
    /// <summary>How long the agent may take; what it runs for the request is killed after that.</summary>
    public required int DeadlineMilliseconds { get; init; }
}

/// <summary>A command of a job's owner, fenced by the epoch.</summary>
public abstract record JobRequest : AgentRequest
{
    public required JobId Job { get; init; }

    public required FencingEpoch Epoch { get; init; }

    public required string Step { get; init; }

    /// <summary>Whose command it is.</summary>
    [JsonIgnore]
    public JobStep At => new(Job, Epoch, Step);
}
