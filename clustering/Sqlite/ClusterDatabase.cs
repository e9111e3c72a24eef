using Microsoft.Data.Sqlite;

namespace Watari.Clustering.Sqlite;

/// <summary>
/// The one file of a machine's cluster: membership, grain state and reminders, shared by the processes of the machine. WAL, so that
/// readers do not wait for a writer; synchronous=FULL, because a commit that a power cut could take back would let two copies of a
/// container run.
/// </summary>
public sealed class ClusterDatabase : IDisposable
{
    private const string Schema =
        """
        CREATE TABLE IF NOT EXISTS cluster (
            cluster_id TEXT NOT NULL PRIMARY KEY,
            version    INTEGER NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS member (
            cluster_id TEXT NOT NULL, address TEXT NOT NULL, etag INTEGER NOT NULL, status TEXT NOT NULL, proxy_port INTEGER NOT NULL,
            host_name TEXT, silo_name TEXT, role_name TEXT, update_zone INTEGER NOT NULL, fault_zone INTEGER NOT NULL,
            start_time TEXT NOT NULL, alive_time TEXT NOT NULL, suspects TEXT NOT NULL,
            PRIMARY KEY (cluster_id, address)) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS grain_state (
            service_id TEXT NOT NULL, grain_id TEXT NOT NULL, state_name TEXT NOT NULL, etag TEXT NOT NULL, data BLOB NOT NULL,
            PRIMARY KEY (service_id, grain_id, state_name)) STRICT;
        CREATE TABLE IF NOT EXISTS reminder (
            service_id TEXT NOT NULL, grain_id TEXT NOT NULL, name TEXT NOT NULL, grain_hash INTEGER NOT NULL, start_at TEXT NOT NULL,
            period INTEGER NOT NULL, etag TEXT NOT NULL,
            PRIMARY KEY (service_id, grain_id, name)) STRICT;
        CREATE INDEX IF NOT EXISTS reminder_by_hash ON reminder (service_id, grain_hash);
        """;

    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _turn = new(1, 1);

    private ClusterDatabase(SqliteConnection connection) => _connection = connection;

    /// <summary>For silos: makes the file, its folder (readable by its owner alone) and its tables where they are missing.</summary>
    /// <exception cref="SqliteException">The file cannot be opened, or is not a database.</exception>
    public static ClusterDatabase OpenOrCreate(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        SqliteConnection connection = Open(path, SqliteOpenMode.ReadWriteCreate);
        Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
        Execute(connection, "BEGIN IMMEDIATE;" + Schema + "COMMIT;");
        return new ClusterDatabase(connection);
    }

    /// <summary>For clients: opens what a silo has made.</summary>
    /// <exception cref="SqliteException">There is no such file.</exception>
    public static ClusterDatabase OpenExisting(string path) => new(Open(path, SqliteOpenMode.ReadWrite));

    /// <summary>Reads under one snapshot, off the caller's scheduler: SQLite's calls block.</summary>
    internal Task<T> ReadAsync<T>(Func<Statements, T> read) => TakeTurnAsync(read, deferred: true);

    /// <summary>Writes in one transaction that is on disk when the task ends; no other process writes meanwhile.</summary>
    internal Task<T> WriteAsync<T>(Func<Statements, T> write) => TakeTurnAsync(write, deferred: false);

    public void Dispose()
    {
        _connection.Dispose();
        _turn.Dispose();
    }

    private async Task<T> TakeTurnAsync<T>(Func<Statements, T> work, bool deferred)
    {
        await _turn.WaitAsync().ConfigureAwait(false);
        try
        {
            return await Task.Run(() =>
            {
                using SqliteTransaction transaction = _connection.BeginTransaction(deferred);
                T result = work(new Statements(_connection, transaction));
                transaction.Commit();
                return result;
            }).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private static SqliteConnection Open(string path, SqliteOpenMode mode)
    {
        // Not pooled: the pragmas belong to the connection.
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        connection.Open();
        Execute(connection, "PRAGMA busy_timeout=10000;");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
