using Watari.Introspection.Containers;

namespace Watari.Containers;

/// <summary>An image that a runtime keeps. Texts are as the guest has them.</summary>
/// <param name="Id">Docker: sha256:HEX; podman: HEX.</param>
/// <param name="Names">What leads to it, with tags: <c>localhost/busybox:latest</c>; may be empty.</param>
/// <param name="Size">Bytes of its layers; of podman's with what else is kept of it. Null where that cannot be told.</param>
public sealed record ImageRecord(ContainerRuntime Runtime, string Id, IReadOnlyList<string> Names, DateTimeOffset? Created, long? Size);
