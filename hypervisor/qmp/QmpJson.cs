using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Watari.Hypervisor;

/// <summary>
/// The JSON of every command we send and every reply we read, generated at compile time. Names are QEMU's: lower case, parted by hyphens.
/// <see cref="JsonObject"/> and <see cref="JsonElement"/> stand in for what is not listed.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpMessage))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(HumanMonitorCommand))]
[JsonSerializable(typeof(QomGet))]
[JsonSerializable(typeof(MigrateSetCapabilities))]
[JsonSerializable(typeof(MigrateUri))]
[JsonSerializable(typeof(MigrationInfo))]
[JsonSerializable(typeof(StatusInfo))]
[JsonSerializable(typeof(NameInfo))]
[JsonSerializable(typeof(KvmInfo))]
[JsonSerializable(typeof(MemoryBackendInfo[]))]
[JsonSerializable(typeof(CpuInfoFast[]))]
[JsonSerializable(typeof(CpuFeatureWord[]))]
[JsonSerializable(typeof(BlockInfo[]))]
[JsonSerializable(typeof(NbdServerStart))]
[JsonSerializable(typeof(BlockExportAdd))]
[JsonSerializable(typeof(BlockExportInfo[]))]
internal sealed partial class QmpJson : JsonSerializerContext
{
    /// <exception cref="NotSupportedException">The type is not in the list above.</exception>
    internal static JsonTypeInfo TypeInfo(Type type) =>
        Default.GetTypeInfo(type)
        ?? throw new NotSupportedException($"{type} is no QMP type: list it in {nameof(QmpJson)}, or use {nameof(JsonObject)} and {nameof(JsonElement)}.");
}
