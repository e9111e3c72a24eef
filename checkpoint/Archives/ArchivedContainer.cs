using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.Checkpoint.Archives;

/// <summary>What an archive says of its container; texts are as whoever made it wrote them.</summary>
/// <param name="Id">The engine's id.</param>
/// <param name="Manager">Who made the container: libpod, cri-o; null of others (annotation io.container.manager).</param>
/// <param name="NamedVolumes">Names of its volumes.</param>
public sealed record ArchivedContainer(string Id, string Name, string? Manager, IReadOnlyList<string> NamedVolumes)
{
    /// <summary>Podman's word for itself.</summary>
    public const string Libpod = "libpod";

    /// <exception cref="ArchiveException">A document is not what its name says.</exception>
    internal static ArchivedContainer Parse(ReadOnlySpan<byte> configDump, ReadOnlySpan<byte> specDump)
    {
        ConfigDump config = Parse(ArchiveLayout.ConfigDump, configDump, ArchiveJson.Default.ConfigDump);
        SpecDump spec = Parse(ArchiveLayout.SpecDump, specDump, ArchiveJson.Default.SpecDump);
        if (string.IsNullOrEmpty(config.Id)) throw new ArchiveException($"{ArchiveLayout.ConfigDump} names no container");
        return new ArchivedContainer(
            config.Id, config.Name ?? "", spec.Annotations?.GetValueOrDefault("io.container.manager"),
            [.. (config.NamedVolumes ?? []).Select(volume => volume?.Name).OfType<string>()]);
    }

    private static T Parse<T>(string name, ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new ArchiveException($"{name} is empty");
        }
        catch (JsonException e)
        {
            throw new ArchiveException($"{name} is not the JSON that it should be: {e.Message}", e);
        }
    }
}

internal sealed record ConfigDump(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("name")] string? Name,
    [property: JsonPropertyName("namedVolumes")] IReadOnlyList<ConfigDumpVolume?>? NamedVolumes);

internal sealed record ConfigDumpVolume([property: JsonPropertyName("volumeName")] string? Name);

internal sealed record SpecDump([property: JsonPropertyName("annotations")] IReadOnlyDictionary<string, string>? Annotations);

[JsonSerializable(typeof(ConfigDump))]
[JsonSerializable(typeof(SpecDump))]
[JsonSerializable(typeof(IReadOnlyList<string>))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
