using System.Text.Json;
using System.Text.Json.Serialization;
using Orleans.Storage;

namespace Watari.Clustering;

/// <summary>
/// Grain state as JSON: an operator can read a job in the database with any tool, and a member that is added or taken away later
/// does not make older state unreadable. Enumerations go by name, so that their order may change.
/// </summary>
public sealed class JsonGrainStateSerializer : IGrainStorageSerializer
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.General)
    {
        Converters = { new JsonStringEnumConverter() },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, Options));

    /// <exception cref="JsonException">The state is not JSON of the type.</exception>
    public T Deserialize<T>(BinaryData input) =>
        JsonSerializer.Deserialize<T>(input.ToMemory().Span, Options) ?? throw new JsonException($"The state of {typeof(T)} is null.");
}
