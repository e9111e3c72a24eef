using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Watari.Containers.Stores;
using Watari.Containers.Stores.Docker;
using Watari.Disk.FileSystems;

namespace Watari.Containers.Dumps;

/// <summary>
/// What another Docker must be told to make a container like one that there is: the body of <c>POST /containers/create</c> (Engine API), of
/// what its Docker has written of it (moby api/types/container: Config in config.v2.json, HostConfig in hostconfig.json), every field of it,
/// known here or not. Its volumes are called by their names, those that had none when it was made, too: under these they come along.
/// </summary>
public sealed record DockerCreation
{
    private const string BindsField = "Binds"; // moby api/types/container, HostConfig

    /// <summary>JSON.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>What of the guest's own files it sees, by their paths in the guest.</summary>
    public required IReadOnlyList<string> Binds { get; init; }

    /// <param name="record">Docker's.</param>
    /// <param name="files">The guest's.</param>
    /// <exception cref="ContainerStoreException">What Docker keeps of it cannot be read, or it is made in a way that cannot be repeated: a clause whose subject is the container.</exception>
    public static DockerCreation Read(ContainerRecord record, IFileSystem files, ContainerLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(record);
        ArgumentNullException.ThrowIfNull(files);
        var store = new StoreFiles(files, limits ?? ContainerLimits.Default, withSizes: false, Stopwatch.GetTimestamp());
        JsonObject body;
        try
        {
            JsonObject container = ObjectIn(store, $"{DockerStore.Containers}/{record.Id}/config.v2.json"), host = ObjectIn(store, $"{DockerStore.Containers}/{record.Id}/hostconfig.json");
            Refuse(container, host);
            body = container["Config"]?.DeepClone() as JsonObject ?? throw new ContainerStoreException("has no configuration that can be read");
            // As it was given: a name that is another image's by now is not by which it is made.
            body["Image"] = record.Image ?? record.ImageId;
            host["VolumesFrom"] = null;
            host["ContainerIDFile"] = "";
            NameVolumes(record, host);
            body["HostConfig"] = host;
        }
        catch (Exception e) when (e is InvalidOperationException or FormatException or ArgumentException)
        {
            throw new ContainerStoreException("has a configuration that is not Docker's", e);
        }

        return new DockerCreation
        {
            Body = JsonSerializer.SerializeToUtf8Bytes(body, DockerCreationJson.Default.JsonObject),
            Binds = [.. record.Mounts.Where(mount => mount.Type == "bind").Select(mount => mount.Source).OfType<string>()],
        };
    }

    private static JsonObject ObjectIn(StoreFiles store, string path) => store.Json(path, DockerCreationJson.Default.JsonObject) ?? throw new ContainerStoreException($"has no {path}");

    private static void Refuse(JsonObject container, JsonObject host)
    {
        if (Flag(container, "Managed")) throw new ContainerStoreException("is run by a swarm, which would start another when this one is moved away: move it by the swarm (docker service update)");
        foreach ((string field, string what) in ((string, string)[])[("NetworkMode", "network"), ("IpcMode", "IPC"), ("PidMode", "process")])
        {
            if (Text(host, field)?.StartsWith("container:", StringComparison.Ordinal) == true)
                throw new ContainerStoreException($"is in the {what} namespace of another container, which does not come along: run it with one of its own");
        }

        if (Text(host, "IpcMode") is "shareable" or "host") throw new ContainerStoreException("shares its IPC namespace and /dev/shm, which are not carried then: run it with --ipc private");
        if (host["Links"] is JsonArray { Count: > 0 }) throw new ContainerStoreException("has links to other containers, which do not come along");
        if (Text(host, "Runtime") is { Length: > 0 } runtime and not ("runc" or "io.containerd.runc.v2")) throw new ContainerStoreException($"is run by '{ShownText.Of(runtime)}', and only what runc runs is moved");
    }

    /// <summary>Docker would make new volumes, and fill them from the image, for those whose names it has chosen itself.</summary>
    private static void NameVolumes(ContainerRecord record, JsonObject host)
    {
        JsonArray binds = host[BindsField] as JsonArray ?? [];
        JsonObject[] mounts = [.. (host["Mounts"] as JsonArray ?? []).OfType<JsonObject>()];
        HashSet<string> named = [.. binds.Select(bind => bind?.GetValue<string>().Split(':') is [_, var place, ..] ? place : "")];
        foreach (ContainerMount mount in record.Mounts)
        {
            if (mount is not { Type: "volume", Name: { } name }) continue;
            if (mount.Driver is { Length: > 0 } and not "local") throw new ContainerStoreException($"has the volume '{ShownText.Of(name)}' of driver '{ShownText.Of(mount.Driver)}', and only those of driver local come along");
            if (mounts.FirstOrDefault(known => Text(known, "Target") == mount.Destination) is { } asked) asked["Source"] = name;
            else if (!named.Contains(mount.Destination)) binds.Add((JsonNode)$"{name}:{mount.Destination}{(mount.IsReadOnly ? ":ro" : "")}");
        }

        if (binds.Parent is null && binds.Count > 0) host[BindsField] = binds;
    }

    private static string? Text(JsonObject of, string field) => of[field]?.GetValue<string>();

    private static bool Flag(JsonObject of, string field) => of[field]?.GetValue<bool>() == true;
}

[JsonSerializable(typeof(JsonObject))]
internal sealed partial class DockerCreationJson : JsonSerializerContext;
