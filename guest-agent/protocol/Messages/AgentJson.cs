using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>The messages' JSON, generated at build time: no reflection, fit for NativeAOT.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(HostHello))]
[JsonSerializable(typeof(AgentHello))]
[JsonSerializable(typeof(AgentError))]
[JsonSerializable(typeof(AgentRequest))]
[JsonSerializable(typeof(GuestDescription))]
[JsonSerializable(typeof(CheckManagedResult))]
[JsonSerializable(typeof(PrepareResult))]
[JsonSerializable(typeof(PutImageResult))]
[JsonSerializable(typeof(PutArchiveResult))]
[JsonSerializable(typeof(FillVolumesResult))]
[JsonSerializable(typeof(LandingZoneResult))]
[JsonSerializable(typeof(RestoreResult))]
[JsonSerializable(typeof(RestoreArchiveResult))]
[JsonSerializable(typeof(TouchResult))]
[JsonSerializable(typeof(FreezerResult))]
[JsonSerializable(typeof(KillResult))]
[JsonSerializable(typeof(StopResult))]
[JsonSerializable(typeof(ExecStartResult))]
[JsonSerializable(typeof(ExecReadResult))]
[JsonSerializable(typeof(ExecWriteResult))]
[JsonSerializable(typeof(ExecEndResult))]
[JsonSerializable(typeof(DestroyResult))]
[JsonSerializable(typeof(ReleaseResult))]
[JsonSerializable(typeof(RemoveManagedResult))]
[JsonSerializable(typeof(JobStatus))]
[JsonSerializable(typeof(SyncResult))]
[JsonSerializable(typeof(SetClockResult))]
[JsonSerializable(typeof(LoopbackUpResult))]
public sealed partial class AgentJson : JsonSerializerContext;
