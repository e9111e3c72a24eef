using System.Text.Json.Serialization;

namespace Watari.Containers.Stores;

/// <summary>What is read of a bundle's config.json (opencontainers/runtime-spec).</summary>
internal sealed record OciSpec(
    [property: JsonPropertyName("process")] OciProcess? Process,
    [property: JsonPropertyName("root")] OciRoot? Root,
    [property: JsonPropertyName("mounts")] IReadOnlyList<OciMount?>? Mounts,
    [property: JsonPropertyName("annotations")] IReadOnlyDictionary<string, string>? Annotations)
{
    /// <summary>Those mounts that lead out of the container to a file or directory of the guest.</summary>
    internal IEnumerable<ContainerMount> BindMounts() => (Mounts ?? []).OfType<OciMount>()
        .Where(mount => mount.Type == "bind" || mount.Options?.Any(option => option is "bind" or "rbind") == true)
        .Select(mount => new ContainerMount("bind", null, mount.Source, mount.Destination ?? "", null, mount.Options?.Contains("ro") == true));
}

internal sealed record OciProcess([property: JsonPropertyName("args")] IReadOnlyList<string>? Args);

internal sealed record OciRoot([property: JsonPropertyName("path")] string? Path);

internal sealed record OciMount(
    [property: JsonPropertyName("type")] string? Type,
    [property: JsonPropertyName("source")] string? Source,
    [property: JsonPropertyName("destination")] string? Destination,
    [property: JsonPropertyName("options")] IReadOnlyList<string>? Options);

[JsonSerializable(typeof(OciSpec))]
internal sealed partial class OciJson : JsonSerializerContext;
