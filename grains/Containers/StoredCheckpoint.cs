using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Containers;

/// <summary>Reads a checkpoint's command also as version 0.1 has stored it: a directory, and whether the container runs on.</summary>
internal sealed class StoredCheckpoint : JsonConverter<Checkpoint>
{
    public override Checkpoint? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JsonNode? stored = JsonNode.Parse(ref reader);
        if (stored is JsonObject command && command["Directory"] is { } directory && !command.ContainsKey(nameof(Checkpoint.Options)))
        {
            bool leaveRunning = command["LeaveRunning"]?.GetValue<bool>() ?? false;
            command[nameof(Checkpoint.Options)] = JsonSerializer.SerializeToNode(new CheckpointOptions(directory.GetValue<string>(), CheckpointForm.Directory, leaveRunning), options);
        }

        return stored.Deserialize<Checkpoint>(options);
    }

    public override void Write(Utf8JsonWriter writer, Checkpoint value, JsonSerializerOptions options) => JsonSerializer.Serialize(writer, value, options);
}
