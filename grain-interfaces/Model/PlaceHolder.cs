namespace Watari.GrainInterfaces.Model;

/// <summary>Who works on a container at a place.</summary>
/// <param name="IsCheckpoint">True: a checkpoint, which <c>watari jobs</c> does not know. False: a migration.</param>
[GenerateSerializer, Immutable, Alias("watari.PlaceHolder")]
public sealed record PlaceHolder([property: Id(0)] string Job, [property: Id(1)] bool IsCheckpoint, [property: Id(2)] DateTimeOffset Since);
