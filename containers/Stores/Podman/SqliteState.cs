using System.Text;
using Watari.Containers.Sqlite;

namespace Watari.Containers.Stores.Podman;

/// <summary>The database of podman 5: SQLite (libpod/sqlite_state_internal.go).</summary>
internal static class SqliteState
{
    /// <exception cref="ContainerStoreException">It is damaged, or no such database.</exception>
    internal static IReadOnlyList<LibpodRow> Read(SqliteFiles files, ContainerLimits limits)
    {
        using SqliteCopy copy = SqliteCopy.Open(files, limits);
        Dictionary<string, byte[]> states = copy.Rows("ContainerState", ["ID", "JSON"], limits.Containers).ToDictionary(row => row[0], row => Encoding.UTF8.GetBytes(row[1]), StringComparer.Ordinal);
        return [.. copy.Rows("ContainerConfig", ["ID", "JSON"], limits.Containers).Select(row => new LibpodRow(row[0], Encoding.UTF8.GetBytes(row[1]), states.GetValueOrDefault(row[0]), []))];
    }
}
