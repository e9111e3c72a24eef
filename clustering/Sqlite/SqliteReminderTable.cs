using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Watari.Clustering.Sqlite;

/// <summary>Orleans's reminders as rows of <c>reminder</c>; silos read the ranges of grain hashes that they own.</summary>
internal sealed class SqliteReminderTable(ClusterDatabase database, IOptions<ClusterOptions> cluster) : IReminderTable
{
    private const string Columns = "grain_id, name, start_at, period, etag";

    private readonly string _serviceId = cluster.Value.ServiceId;

    public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public Task<ReminderTableData> ReadRows(GrainId grainId) => database.ReadAsync(sql => new ReminderTableData(sql.Rows(
        $"SELECT {Columns} FROM reminder WHERE service_id = $service AND grain_id = $grain", Read,
        ("$service", _serviceId), ("$grain", grainId.ToString()))));

    /// <summary>Hashes in (begin, end]; where begin is not below end, the range runs over the top and round.</summary>
    public Task<ReminderTableData> ReadRows(uint begin, uint end) => database.ReadAsync(sql => new ReminderTableData(sql.Rows(
        $"SELECT {Columns} FROM reminder WHERE service_id = $service AND (grain_hash > $begin {(begin < end ? "AND" : "OR")} grain_hash <= $end)", Read,
        ("$service", _serviceId), ("$begin", (long)begin), ("$end", (long)end))));

    public Task<ReminderEntry?> ReadRow(GrainId grainId, string reminderName) => database.ReadAsync(sql => sql.Rows(
        $"SELECT {Columns} FROM reminder WHERE service_id = $service AND grain_id = $grain AND name = $name", Read,
        ("$service", _serviceId), ("$grain", grainId.ToString()), ("$name", reminderName)).SingleOrDefault());

    public Task<string?> UpsertRow(ReminderEntry entry) => database.WriteAsync<string?>(sql =>
    {
        string etag = Guid.NewGuid().ToString("N");
        sql.Change(
            "INSERT OR REPLACE INTO reminder VALUES ($service, $grain, $name, $hash, $start, $period, $etag)",
            ("$service", _serviceId), ("$grain", entry.GrainId.ToString()), ("$name", entry.ReminderName),
            ("$hash", (long)entry.GrainId.GetUniformHashCode()), ("$start", Statements.Text(entry.StartAt)),
            ("$period", entry.Period.Ticks), ("$etag", etag));
        return etag;
    });

    public Task<bool> RemoveRow(GrainId grainId, string reminderName, string eTag) => database.WriteAsync(sql => sql.Change(
        "DELETE FROM reminder WHERE service_id = $service AND grain_id = $grain AND name = $name AND etag = $etag",
        ("$service", _serviceId), ("$grain", grainId.ToString()), ("$name", reminderName), ("$etag", eTag)) == 1);

    public Task TestOnlyClearTable() => database.WriteAsync(sql =>
        sql.Change("DELETE FROM reminder WHERE service_id = $service", ("$service", _serviceId)));

    private static ReminderEntry Read(SqliteDataReader row) => new()
    {
        GrainId = GrainId.Parse(row.GetString(0)),
        ReminderName = row.GetString(1),
        StartAt = Statements.Time(row.GetString(2)),
        Period = TimeSpan.FromTicks(row.GetInt64(3)),
        ETag = row.GetString(4),
    };
}
