using System.Buffers.Binary;
using System.Text;
using Microsoft.Data.Sqlite;
using Watari.Containers.Sqlite;

namespace Watari.Containers.Tests.Sqlite;

/// <summary>A database of a guest that SQLite finds in the middle of a transaction.</summary>
public sealed class SqliteCopyTests : IDisposable
{
    private const uint PageSize = 4096, PendingByte = 0x4000_0000; // sqlite3_pending_byte: of the page there the journal's last record is

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("watari-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_was_not_committed_is_undone()
    {
        using SqliteCopy copy = SqliteCopy.Open(InTheMiddle(), ContainerLimits.Default);

        Assert.All(copy.Rows("T", ["x"], 1000), row => Assert.StartsWith("old", row[0], StringComparison.Ordinal));
    }

    /// <summary>SQLite removes the journal that stands above several databases when all of them are whole again, and takes its name from the guest.</summary>
    [Fact]
    public void A_journal_that_names_a_file_of_the_host_is_refused_and_the_file_stays()
    {
        string victim = Path.Combine(_folder.FullName, "victim");
        File.WriteAllText(victim, "of the host");
        SqliteFiles files = InTheMiddle();

        SqliteFiles hostile = files with { Journal = [.. files.Journal!, .. SuperJournal(victim)] };
        ContainerStoreException error = Assert.Throws<ContainerStoreException>(() =>
        {
            using SqliteCopy copy = SqliteCopy.Open(hostile, ContainerLimits.Default);
            copy.Rows("T", ["x"], 1000);
        });

        Assert.Contains("journal", error.Message, StringComparison.Ordinal);
        Assert.True(File.Exists(victim));
    }

    /// <summary>The files as another program finds them before the transaction has ended: some pages are in the database already.</summary>
    private SqliteFiles InTheMiddle()
    {
        string path = Path.Combine(_folder.FullName, "database.sql");
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        Execute($"PRAGMA page_size={PageSize}");
        Execute("CREATE TABLE T(x)");
        Execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO T SELECT 'old' || i || hex(zeroblob(200)) FROM n");
        Execute("PRAGMA cache_size=1");
        Execute("BEGIN");
        Execute("UPDATE T SET x = 'new' || x");
        byte[] database = File.ReadAllBytes(path);
        Assert.Contains("newold", Encoding.Latin1.GetString(database), StringComparison.Ordinal);
        return new SqliteFiles(database, null, File.ReadAllBytes(path + "-journal"));

        void Execute(string sql)
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }

    /// <summary>The record at a journal's end that names the one above it (sqlite.org/fileformat.html, section 3).</summary>
    private static byte[] SuperJournal(string name)
    {
        byte[] text = Encoding.ASCII.GetBytes(name);
        byte[] numbers = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(numbers, (PendingByte / PageSize) + 1);
        BinaryPrimitives.WriteInt32BigEndian(numbers.AsSpan(4), text.Length);
        BinaryPrimitives.WriteInt32BigEndian(numbers.AsSpan(8), text.Sum(b => b));
        return [.. numbers[..4], .. text, .. numbers[4..], 0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    }
}
