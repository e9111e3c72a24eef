using System.Text.Json;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Criu;

/// <summary>What the relay tells the agent that waits for runc: a file, so that it outlives both. Times are CLOCK_MONOTONIC milliseconds.</summary>
internal sealed record RelayReport
{
    /// <summary>The cgroup into which runc put criu: the container's.</summary>
    public required string Cgroup { get; init; }

    /// <summary>runc's order to restore arrived.</summary>
    public required double Ordered { get; init; }

    /// <summary>All tasks were there and stopped.</summary>
    public double? Stopped { get; init; }

    /// <summary>The cgroup was frozen.</summary>
    public double? Held { get; init; }

    /// <summary>Why the restore was given up; null while it was not.</summary>
    public string? Failure { get; init; }

    public void Write(string path)
    {
        string beside = path + ".new";
        File.WriteAllBytes(beside, JsonSerializer.SerializeToUtf8Bytes(this, RelayJson.Default.RelayReport));
        File.Move(beside, path, overwrite: true);
    }

    public static RelayReport? TryRead(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), RelayJson.Default.RelayReport);
        }
        catch (Exception missing) when (missing is IOException or JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(RelayReport))]
internal sealed partial class RelayJson : JsonSerializerContext;
