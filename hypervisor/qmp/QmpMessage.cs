using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.Hypervisor;

/// <summary>One line from QEMU: a greeting, a reply (<c>return</c> or <c>error</c>) or an event.</summary>
internal sealed record QmpMessage
{
    [JsonPropertyName("QMP")]
    public QmpGreeting? Greeting { get; init; }
    public JsonElement? Return { get; init; }
    public QmpErrorBody? Error { get; init; }
    public ulong? Id { get; init; }
    public string? Event { get; init; }
    public JsonElement? Data { get; init; }
    public QmpTimestamp? Timestamp { get; init; }
}

internal sealed record QmpErrorBody(string Class, string Desc);

internal sealed record QmpTimestamp(long Seconds, long Microseconds)
{
    public DateTimeOffset ToDateTimeOffset() => DateTimeOffset.UnixEpoch.AddSeconds(Seconds).AddMicroseconds(Microseconds);
}

internal sealed record QmpGreeting(QmpVersion Version);

internal sealed record QmpVersion(QmpVersionTriple Qemu, string Package);

internal sealed record QmpVersionTriple(int Major, int Minor, int Micro);

/// <summary>An event as QEMU sent it (qapi/*.json); the time is the host's clock in QEMU.</summary>
public sealed record QmpEvent(string Name, DateTimeOffset Time, JsonElement? Data);
