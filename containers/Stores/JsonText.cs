using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Watari.Containers.Stores;

/// <summary>JSON that a guest has written, read as a known type. Depth is bounded by the serializer (64), size by who read the bytes.</summary>
internal static class JsonText
{
    /// <exception cref="ContainerStoreException">It is not JSON, not whole, or not of that type.</exception>
    internal static T Parse<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type) where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new ContainerStoreException("is null where an object should be");
        }
        // Text that is no text and dates that are none are other exceptions of the reader's.
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NotSupportedException)
        {
            throw new ContainerStoreException(json.IsEmpty ? "is empty" : $"is no whole JSON, or not what is expected: {e.Message}", e);
        }
    }

    /// <summary>A list without what is null in it, which types do not keep out.</summary>
    internal static IReadOnlyList<string> Texts(IReadOnlyList<string>? list) => [.. (list ?? []).Where(text => text is not null)];

    /// <summary>The same of what is named.</summary>
    internal static IReadOnlyDictionary<string, string>? Texts(IReadOnlyDictionary<string, string>? named) =>
        named?.Where(pair => pair.Value is not null).ToDictionary(StringComparer.Ordinal);

    internal static string? NullIfEmpty(string? text) => text is "" ? null : text;
}
