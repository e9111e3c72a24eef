using Watari.Introspection.Containers;

namespace Watari.Containers;

/// <summary>An image that a runtime keeps. Texts are as the guest has them.</summary>
/// <param name="Id">Docker: sha256:HEX; podman: HEX.</param>
/// <param name="Names">What leads to it, with tags: <c>localhost/busybox:latest</c>; or by digest: <c>busybox@sha256:HEX</c>; may be empty.</param>
/// <param name="Size">Bytes of its layers; of podman's with what else is kept of it. Null where that cannot be told.</param>
public sealed record ImageRecord(ContainerRuntime Runtime, string Id, IReadOnlyList<string> Names, DateTimeOffset? Created, long? Size)
{
    /// <summary>Of a name: what stands before its tag and its digest.</summary>
    public static string RepositoryOf(string name) => Parts(name).Repository;

    /// <summary>Of a name: its repository and its tag; one by digest has no tag, as the engines show it.</summary>
    public static (string Repository, string? Tag) Parts(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        int at = name.IndexOf('@', StringComparison.Ordinal);
        string known = at < 0 ? name : name[..at];
        // A colon before the last slash belongs to a registry's port.
        int colon = known.LastIndexOf(':');
        if (colon <= known.LastIndexOf('/')) return (known, null);
        return (known[..colon], at < 0 ? known[(colon + 1)..] : null);
    }
}
