using System.Text.Json;
using System.Text.Json.Serialization;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.StandIn;

/// <summary>What the stand-in for runc is to do with a container: a file under the container's id, for Docker's words to runc tell nothing of a job.</summary>
internal sealed record RestoreOrder
{
    public required JobId Job { get; init; }

    /// <summary>Its id where it comes from, by which the images name its cgroup.</summary>
    public required ContainerId FormerId { get; init; }

    /// <summary>criu's file.</summary>
    public required string Criu { get; init; }

    /// <summary>Options of <c>runc restore</c> beyond where the images are.</summary>
    public required IReadOnlyList<string> Options { get; init; }

    /// <summary>By CLOCK_MONOTONIC, in milliseconds.</summary>
    public required long Deadline { get; init; }

    /// <summary>It is being taken back: nothing of it is made any more.</summary>
    public bool IsRefused { get; init; }

    public void Write(AgentPaths paths, ContainerId container)
    {
        string path = paths.OrderOf(container);
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, OrderJson.Default.RestoreOrder));
        File.Move(path + ".new", path, overwrite: true);
    }

    /// <summary>Null: the container is nothing to a job.</summary>
    /// <exception cref="JsonException">There is one, and it cannot be read.</exception>
    public static RestoreOrder? Find(AgentPaths paths, ContainerId container)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(paths.OrderOf(container)), OrderJson.Default.RestoreOrder);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public static void Refuse(AgentPaths paths, ContainerId container)
    {
        if (Find(paths, container) is { } order)
            (order with { IsRefused = true }).Write(paths, container);
    }

    public static void Remove(AgentPaths paths, ContainerId container) => File.Delete(paths.OrderOf(container));
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RestoreOrder))]
internal sealed partial class OrderJson : JsonSerializerContext;
