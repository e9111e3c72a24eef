using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Watari.Containers.Sqlite;

/// <summary>
/// A guest's database, opened by SQLite itself on a copy of our own: so it may replay what the guest has committed, or undo what it has not.
/// Only tables are read, by plain queries; views, triggers and functions of its schema are not run, and a query that takes too long is ended.
/// </summary>
internal sealed class SqliteCopy : IDisposable
{
    private const string Name = "copy.sql";
    private const int StepsBetweenChecks = 10_000;

    /// <summary>At the very end of a journal that names another one, which stands above several databases (sqlite.org/fileformat.html, section 3).</summary>
    private static ReadOnlySpan<byte> SuperJournalMark => [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

    private readonly DirectoryInfo _folder;
    private readonly SqliteConnection _connection;
    private readonly int _maxBytes;

    private SqliteCopy(DirectoryInfo folder, SqliteConnection connection, int maxBytes)
    {
        _folder = folder;
        _connection = connection;
        _maxBytes = maxBytes;
    }

    /// <exception cref="ContainerStoreException">It is no database, or damaged; or its journal names another file.</exception>
    internal static SqliteCopy Open(SqliteFiles files, ContainerLimits limits)
    {
        // SQLite would look for that file here, and remove it when it is done.
        if (files.Journal.AsSpan().EndsWith(SuperJournalMark)) throw new ContainerStoreException("has a journal that names another file");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("watari-"); // for its owner alone
        SqliteConnection? connection = null;
        try
        {
            Write(folder, Name, files.Database);
            Write(folder, Name + "-wal", files.WriteAheadLog);
            Write(folder, Name + "-journal", files.Journal);
            connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder.FullName, Name), Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
            connection.Open();
            // Before anything is read of it: by sqlite.org/security.html, for files of others.
            _ = raw.sqlite3_limit(connection.Handle, raw.SQLITE_LIMIT_LENGTH, limits.FileBytes);
            int left = limits.SqlSteps / StepsBetweenChecks;
            raw.sqlite3_progress_handler(connection.Handle, StepsBetweenChecks, _ => --left < 0 ? 1 : 0, null);
            foreach (string pragma in (string[])["trusted_schema=OFF", "cell_size_check=ON", "mmap_size=0", "query_only=ON"]) Execute(connection, $"PRAGMA {pragma}");
            return new SqliteCopy(folder, connection, limits.DatabaseBytes);
        }
        catch (Exception e)
        {
            connection?.Dispose();
            folder.Delete(recursive: true);
            if (e is SqliteException) throw Unreadable(e);
            throw;
        }
    }

    /// <summary>The rows of a table, as texts.</summary>
    /// <param name="table">Of that name in the schema, and no view.</param>
    /// <param name="columns">Their names.</param>
    /// <param name="limit">The most rows that it may have.</param>
    /// <exception cref="ContainerStoreException">It is damaged, not there, or too large.</exception>
    internal IReadOnlyList<string[]> Rows(string table, IReadOnlyList<string> columns, int limit)
    {
        try
        {
            using SqliteCommand kind = _connection.CreateCommand();
            kind.CommandText = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $name AND sql NOT LIKE 'CREATE VIRTUAL%'";
            kind.Parameters.AddWithValue("$name", table);
            if (kind.ExecuteScalar() is not 1L) throw new ContainerStoreException($"has no table {table}");

            using SqliteCommand select = _connection.CreateCommand();
#pragma warning disable CA2100 // the names are ours
            select.CommandText = $"SELECT {string.Join(", ", columns)} FROM {table}";
#pragma warning restore CA2100
            using SqliteDataReader reader = select.ExecuteReader();
            List<string[]> rows = [];
            long chars = 0;
            while (reader.Read())
            {
                if (rows.Count == limit) throw new ContainerStoreException($"has more than {limit} rows in {table}");
                string[] row = [.. Enumerable.Range(0, columns.Count).Select(i => reader.IsDBNull(i) ? "" : reader.GetString(i))];
                // Pages can be read over and over: what comes out can be more than the file.
                chars += row.Sum(text => (long)text.Length);
                if (chars > _maxBytes) throw new ContainerStoreException($"has more in {table} than the file has bytes");
                rows.Add(row);
            }

            return rows;
        }
        catch (SqliteException e)
        {
            throw Unreadable(e);
        }
    }

    public void Dispose()
    {
        _connection.Dispose();
        _folder.Delete(recursive: true);
    }

    private static ContainerStoreException Unreadable(Exception e) => new($"is no whole SQLite database: {e.Message}", e);

    private static void Write(DirectoryInfo folder, string name, byte[]? bytes)
    {
        if (bytes is not null) File.WriteAllBytes(Path.Combine(folder.FullName, name), bytes);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // it is ours
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }
}
