using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

// The values travel as the plain string or number they wrap; a bad one is a JsonException, which both ends answer as bad-request.

public sealed class JobIdConverter : JsonConverter<JobId>
{
    public override JobId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JobId.TryParse(reader.GetString(), out JobId job) ? job : throw new JsonException("not a job name");

    public override void Write(Utf8JsonWriter writer, JobId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

public sealed class ContainerIdConverter : JsonConverter<ContainerId>
{
    public override ContainerId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ContainerId.TryParse(reader.GetString(), out ContainerId id) ? id : throw new JsonException("not a container id");

    public override void Write(Utf8JsonWriter writer, ContainerId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

public sealed class ImageNameConverter : JsonConverter<ImageName>
{
    public override ImageName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ImageName.TryParse(reader.GetString(), out ImageName name) ? name : throw new JsonException("not an image name");

    public override void Write(Utf8JsonWriter writer, ImageName value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

public sealed class ImageIdConverter : JsonConverter<ImageId>
{
    public override ImageId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ImageId.TryParse(reader.GetString(), out ImageId id) ? id : throw new JsonException("not an image id");

    public override void Write(Utf8JsonWriter writer, ImageId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

public sealed class ImageReferenceConverter : JsonConverter<ImageReference>
{
    public override ImageReference Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ImageReference.TryParse(reader.GetString(), out ImageReference name) ? name : throw new JsonException("not a name of an image");

    public override void Write(Utf8JsonWriter writer, ImageReference value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

public sealed class FencingEpochConverter : JsonConverter<FencingEpoch>
{
    public override FencingEpoch Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetUInt64());

    public override void Write(Utf8JsonWriter writer, FencingEpoch value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

public sealed class GuestPidConverter : JsonConverter<GuestPid>
{
    public override GuestPid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, GuestPid value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

public sealed class ContainerPidConverter : JsonConverter<ContainerPid>
{
    public override ContainerPid Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetInt32());

    public override void Write(Utf8JsonWriter writer, ContainerPid value, JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

public sealed class ExecIdConverter : JsonConverter<ExecId>
{
    public override ExecId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ExecId.TryParse(reader.GetString(), out ExecId id) ? id : throw new JsonException("not a command's id");

    public override void Write(Utf8JsonWriter writer, ExecId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}
