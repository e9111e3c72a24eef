using System.Text.Json.Serialization;

namespace Watari.Hypervisor;

/// <summary>The JSON of vm.json and saved-state.json.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, WriteIndented = true)]
[JsonSerializable(typeof(VmSpec))]
internal sealed partial class LaunchJson : JsonSerializerContext;
