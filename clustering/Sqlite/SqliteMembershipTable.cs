using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace Watari.Clustering.Sqlite;

/// <summary>
/// Orleans's membership as rows of <c>member</c>, under one version for the table in <c>cluster</c>. Every change but that of the
/// alive time compares and raises the version; a row's ETag changes with it, the alive time changes neither.
/// </summary>
internal sealed class SqliteMembershipTable(ClusterDatabase database, IOptions<ClusterOptions> cluster) : IMembershipTable
{
    private const string Columns =
        "address, etag, status, proxy_port, host_name, silo_name, role_name, update_zone, fault_zone, start_time, alive_time, suspects";

    private readonly string _clusterId = cluster.Value.ClusterId;

    public Task InitializeMembershipTable(bool tryInitTableVersion) => tryInitTableVersion
        ? database.WriteAsync(sql => sql.Change("INSERT OR IGNORE INTO cluster VALUES ($cluster, 0)", ("$cluster", _clusterId)))
        : Task.CompletedTask;

    public Task DeleteMembershipTableEntries(string clusterId) => database.WriteAsync(sql =>
    {
        sql.Change("DELETE FROM member WHERE cluster_id = $cluster", ("$cluster", clusterId));
        return sql.Change("DELETE FROM cluster WHERE cluster_id = $cluster", ("$cluster", clusterId));
    });

    public Task CleanupDefunctSiloEntries(DateTimeOffset beforeDate) => database.WriteAsync(sql => sql.Change(
        "DELETE FROM member WHERE cluster_id = $cluster AND status <> $active AND max(alive_time, start_time) < $before",
        ("$cluster", _clusterId), ("$active", nameof(SiloStatus.Active)), ("$before", Statements.Text(beforeDate.UtcDateTime))));

    public Task<MembershipTableData> ReadRow(SiloAddress key) => database.ReadAsync(sql => new MembershipTableData(
        sql.Rows($"SELECT {Columns} FROM member WHERE cluster_id = $cluster AND address = $address", Read,
            ("$cluster", _clusterId), ("$address", key.ToParsableString())),
        Version(sql)));

    public Task<MembershipTableData> ReadAll() => database.ReadAsync(sql => new MembershipTableData(
        sql.Rows($"SELECT {Columns} FROM member WHERE cluster_id = $cluster", Read, ("$cluster", _clusterId)),
        Version(sql)));

    public Task<bool> InsertRow(MembershipEntry entry, TableVersion tableVersion) => database.WriteAsync(sql =>
        !Exists(sql, entry) && RaiseVersion(sql, tableVersion) && Put(sql, entry, tableVersion) == 1);

    public Task<bool> UpdateRow(MembershipEntry entry, string etag, TableVersion tableVersion) => database.WriteAsync(sql =>
        Etag(sql, entry) == etag && RaiseVersion(sql, tableVersion) && Put(sql, entry, tableVersion) == 1);

    public Task UpdateIAmAlive(MembershipEntry entry) => database.WriteAsync(sql => sql.Change(
        "UPDATE member SET alive_time = $alive WHERE cluster_id = $cluster AND address = $address",
        ("$alive", Statements.Text(entry.IAmAliveTime)), ("$cluster", _clusterId), ("$address", entry.SiloAddress.ToParsableString())));

    /// <summary>Gives the table its next version, if the caller has seen the present one (which its ETag names).</summary>
    private bool RaiseVersion(Statements sql, TableVersion next) => sql.Change(
        "UPDATE cluster SET version = $next WHERE cluster_id = $cluster AND version = $seen",
        ("$next", next.Version), ("$cluster", _clusterId), ("$seen", long.Parse(next.VersionEtag, CultureInfo.InvariantCulture))) == 1;

    private TableVersion Version(Statements sql)
    {
        int version = sql.Rows("SELECT version FROM cluster WHERE cluster_id = $cluster", r => r.GetInt32(0), ("$cluster", _clusterId)).SingleOrDefault();
        return new TableVersion(version, version.ToString(CultureInfo.InvariantCulture));
    }

    private bool Exists(Statements sql, MembershipEntry entry) => Etag(sql, entry) is not null;

    private string? Etag(Statements sql, MembershipEntry entry) => sql.Rows(
        "SELECT etag FROM member WHERE cluster_id = $cluster AND address = $address",
        r => r.GetInt64(0).ToString(CultureInfo.InvariantCulture),
        ("$cluster", _clusterId), ("$address", entry.SiloAddress.ToParsableString())).SingleOrDefault();

    private int Put(Statements sql, MembershipEntry entry, TableVersion version) => sql.Change(
        $"""
        INSERT OR REPLACE INTO member (cluster_id, {Columns}) VALUES
        ($cluster, $address, $etag, $status, $port, $host, $silo, $role, $update, $fault, $start, $alive, $suspects)
        """,
        ("$cluster", _clusterId),
        ("$address", entry.SiloAddress.ToParsableString()),
        ("$etag", version.Version),
        ("$status", entry.Status.ToString()),
        ("$port", entry.ProxyPort),
        ("$host", entry.HostName),
        ("$silo", entry.SiloName),
        ("$role", entry.RoleName),
        ("$update", entry.UpdateZone),
        ("$fault", entry.FaultZone),
        ("$start", Statements.Text(entry.StartTime)),
        ("$alive", Statements.Text(entry.IAmAliveTime)),
        ("$suspects", string.Join(' ', (entry.SuspectTimes ?? []).Select(s => $"{s.Item1.ToParsableString()},{Statements.Text(s.Item2)}"))));

    private static Tuple<MembershipEntry, string> Read(SqliteDataReader row) => Tuple.Create(
        new MembershipEntry
        {
            SiloAddress = SiloAddress.FromParsableString(row.GetString(0)),
            Status = Enum.Parse<SiloStatus>(row.GetString(2)),
            ProxyPort = row.GetInt32(3),
            HostName = Optional(row, 4)!,
            SiloName = Optional(row, 5)!,
            RoleName = Optional(row, 6),
            UpdateZone = row.GetInt32(7),
            FaultZone = row.GetInt32(8),
            StartTime = Statements.Time(row.GetString(9)),
            IAmAliveTime = Statements.Time(row.GetString(10)),
            SuspectTimes = row.GetString(11) is { Length: > 0 } suspects ? [.. suspects.Split(' ').Select(Suspect)] : null,
        },
        row.GetInt64(1).ToString(CultureInfo.InvariantCulture));

    private static Tuple<SiloAddress, DateTime> Suspect(string text)
    {
        int comma = text.LastIndexOf(',');
        return Tuple.Create(SiloAddress.FromParsableString(text[..comma]), Statements.Time(text[(comma + 1)..]));
    }

    private static string? Optional(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
}
