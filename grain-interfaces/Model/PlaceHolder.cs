namespace Watari.GrainInterfaces.Model;

/// <summary>Who works on a container at a place.</summary>
/// <param name="Operation">An operation, which <c>watari jobs</c> does not know; null: a migration.</param>
[GenerateSerializer, Immutable, Alias("watari.PlaceHolder")]
public sealed record PlaceHolder([property: Id(0)] string Job, [property: Id(3)] OperationKind? Operation, [property: Id(2)] DateTimeOffset Since);
