namespace Watari.Containers.Sqlite;

/// <summary>The files of a SQLite database, as they were read out of a guest.</summary>
/// <param name="Database">The file itself.</param>
/// <param name="WriteAheadLog">NAME-wal: what is committed and not yet in it; null where there is none.</param>
/// <param name="Journal">NAME-journal: how to undo what was not committed; null where there is none.</param>
internal readonly record struct SqliteFiles(byte[] Database, byte[]? WriteAheadLog, byte[]? Journal);
