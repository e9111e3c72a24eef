using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Serialization.Serializers;
using Orleans.Storage;

namespace Watari.Clustering.Sqlite;

/// <summary>
/// Grain state as rows of <c>grain_state</c>. An ETag is never used twice, so a writer that slept through a removal and a new
/// beginning is refused too.
/// </summary>
internal sealed class SqliteGrainStorage(
    ClusterDatabase database,
    IGrainStorageSerializer serializer,
    IOptions<ClusterOptions> cluster,
    IActivatorProvider activators) : IGrainStorage
{
    private const string Key = "service_id = $service AND grain_id = $grain AND state_name = $state";

    private readonly string _serviceId = cluster.Value.ServiceId;

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        (string Etag, byte[] Data)? row = await database.ReadAsync(sql => sql.Rows<(string, byte[])?>(
            $"SELECT etag, data FROM grain_state WHERE {Key}", r => (r.GetString(0), r.GetFieldValue<byte[]>(1)),
            ("$service", _serviceId), ("$grain", grainId.ToString()), ("$state", stateName)).SingleOrDefault()).ConfigureAwait(false);
        grainState.RecordExists = row is not null;
        grainState.ETag = row?.Etag;
        grainState.State = row is { } found ? serializer.Deserialize<T>(new BinaryData(found.Data)) : activators.GetActivator<T>().Create();
    }

    /// <exception cref="InconsistentStateException">The stored state is not the one that the writer has read.</exception>
    public async Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        byte[] data = serializer.Serialize(grainState.State).ToArray();
        string etag = Guid.NewGuid().ToString("N");
        string? seen = grainState.ETag;
        int changed = await database.WriteAsync(sql => seen is null
            ? sql.Change("INSERT OR IGNORE INTO grain_state VALUES ($service, $grain, $state, $etag, $data)",
                ("$service", _serviceId), ("$grain", grainId.ToString()), ("$state", stateName), ("$etag", etag), ("$data", data))
            : sql.Change($"UPDATE grain_state SET etag = $etag, data = $data WHERE {Key} AND etag = $seen",
                ("$etag", etag), ("$data", data), ("$service", _serviceId), ("$grain", grainId.ToString()), ("$state", stateName), ("$seen", seen)))
            .ConfigureAwait(false);
        if (changed != 1) throw Conflict("write", stateName, grainId, seen);
        grainState.ETag = etag;
        grainState.RecordExists = true;
    }

    /// <exception cref="InconsistentStateException">The stored state is not the one that the caller has read.</exception>
    public async Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        string? seen = grainState.ETag;
        bool cleared = await database.WriteAsync(sql =>
        {
            bool removed = sql.Change($"DELETE FROM grain_state WHERE {Key} AND etag = $seen",
                ("$service", _serviceId), ("$grain", grainId.ToString()), ("$state", stateName), ("$seen", seen)) == 1;
            return removed || (seen is null && sql.Rows($"SELECT 1 FROM grain_state WHERE {Key}", _ => true,
                ("$service", _serviceId), ("$grain", grainId.ToString()), ("$state", stateName)).Count == 0);
        }).ConfigureAwait(false);
        if (!cleared) throw Conflict("clear", stateName, grainId, seen);
        grainState.ETag = null;
        grainState.RecordExists = false;
        grainState.State = activators.GetActivator<T>().Create();
    }

    private static InconsistentStateException Conflict(string what, string stateName, GrainId grainId, string? seen) =>
        new($"Cannot {what} state '{stateName}' of {grainId}: it has changed since it was read (ETag {seen ?? "none"}).");
}
