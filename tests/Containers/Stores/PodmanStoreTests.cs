using System.Text;
using Microsoft.Data.Sqlite;
using Watari.Containers.Tests.Bolt;

namespace Watari.Containers.Tests.Stores;

/// <summary>Both of podman's databases, with the same container in them.</summary>
public sealed class PodmanStoreTests : IDisposable
{
    private const string A = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    private const string Storage = "/var/lib/containers/storage", Bolt = Storage + "/libpod/bolt_state.db", Sqlite = Storage + "/db.sql";
    private const string Config = $$$"""
        {"id":"{{{A}}}","name":"web","rootfsImageName":"localhost/busybox:latest","command":["sleep","9"],"createdTime":"2026-01-02T03:04:05.678901234Z",
        "labels":{"a":"b"},"logPath":"/log","logDriver":"k8s-file","userVolumes":["/data","/etc/x"],"restart_policy":"on-failure","restart_retries":3,
        "namedVolumes":[{"volumeName":"vol","dest":"/data","options":["ro"]}],
        "spec":{"annotations":{"io.podman.annotations.autoremove":"TRUE"},"mounts":[{"destination":"/etc/x","type":"bind","source":"/x","options":["rbind"]}]}}
        """;
    private const string State = """{"state":6,"exitCode":3,"startedTime":"2026-01-02T03:04:06Z","finishedTime":"2026-01-02T03:04:07Z","restartCount":2}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("watari-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_container_of_bolt() => Check(new FileTree().Add(Bolt, BoltWith(A, Config, State)));

    [Fact]
    public void A_container_of_sqlite() => Check(new FileTree().Add(Sqlite, SqliteWith(A, Config, State)));

    [Fact]
    public void What_is_committed_and_not_yet_in_the_file_counts()
    {
        (byte[] database, byte[] log) = SqliteWithLog();

        Check(new FileTree().Add(Sqlite, database).Add(Sqlite + "-wal", log));
        Assert.Contains("no table", Assert.Single(Inventory.Of(new FileTree().Add(Sqlite, database)).Unreadable).Reason, StringComparison.Ordinal);
        // Of a log that is cut off, what is whole counts; the rest was never committed.
        Assert.Empty(Inventory.Of(new FileTree().Add(Sqlite, database).Add(Sqlite + "-wal", log[..100])).Containers);
    }

    [Fact]
    public void An_id_that_is_none_and_json_that_is_none_are_told()
    {
        ContainerInventory badId = Inventory.Of(new FileTree().Add(Bolt, BoltWith("../../etc", Config, State)));
        ContainerRecord badJson = Assert.Single(Inventory.Of(new FileTree().Add(Bolt, BoltWith(A, "{", State))).Containers).Record!;

        Assert.Empty(badId.Containers);
        Assert.Contains("no id", Assert.Single(badId.Unreadable).Reason, StringComparison.Ordinal);
        Assert.Equal(ContainerState.Exited, badJson.State);
        Assert.Single(badJson.Unreadable);
    }

    [Theory]
    [InlineData("")]
    [InlineData("this is no database, and long enough to be taken for the header of one, if nobody looks at it with care")]
    public void What_is_no_database_is_told(string text)
    {
        Assert.Single(Inventory.Of(new FileTree { [Bolt] = text }).Unreadable);
        Assert.Single(Inventory.Of(new FileTree { [Sqlite] = text }).Unreadable);
    }

    [Theory]
    [InlineData("CREATE VIEW ContainerConfig AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS ID, '' AS JSON FROM c")]
    [InlineData("CREATE VIRTUAL TABLE ContainerConfig USING fts5(ID, JSON)")]
    [InlineData("CREATE TABLE Other(ID TEXT, JSON TEXT)")]
    public void What_is_no_table_is_not_read(string schema)
    {
        byte[] file = Make(connection => Execute(connection, "CREATE TABLE ContainerState(ID TEXT, JSON TEXT)", schema));

        Assert.Contains("no table", Assert.Single(Inventory.Of(new FileTree().Add(Sqlite, file)).Unreadable).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_column_that_reckons_without_an_end_is_ended()
    {
        byte[] file = Make(connection => Execute(connection,
            "CREATE TABLE ContainerState(ID TEXT, JSON TEXT)",
            "CREATE TABLE ContainerConfig(ID TEXT, n INTEGER, JSON TEXT AS (printf('%*c', n, 'x') || printf('%*c', n, 'x')) VIRTUAL)",
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 3000) INSERT INTO ContainerConfig(ID, n) SELECT x, 500000 FROM c"));

        ContainerInventory inventory = Inventory.Of(new FileTree().Add(Sqlite, file));

        Assert.Contains("more in ContainerConfig than the file", Assert.Single(inventory.Unreadable).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Spoilt_databases_are_errors_or_databases()
    {
        byte[] whole = SqliteWith(A, Config, State);
        var random = new Random(11);
        int read = 0, refused = 0;
        for (int run = 0; run < 300; run++)
        {
            byte[] file = [.. whole];
            for (int spoilt = random.Next(1, 6); spoilt > 0; spoilt--) file[random.Next(file.Length)] = (byte)random.Next(256);
            ContainerInventory inventory = Inventory.Of(new FileTree().Add(Sqlite, file), new ContainerLimits { SqlSteps = 1_000_000 });
            if (inventory.Unreadable.Count > 0) refused++;
            else read++;
        }

        Assert.True(read > 10 && refused > 10, $"{read} read, {refused} refused: the test says nothing");
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), "copy.sql*", SearchOption.TopDirectoryOnly));
    }

    [Fact]
    public void A_database_that_changes_at_each_look_is_told()
    {
        int reads = 0;
        FileTree tree = new FileTree().Add(Sqlite, () => Encoding.UTF8.GetBytes($"{reads++}"));

        Assert.Contains("written anew", Assert.Single(Inventory.Of(tree).Unreadable).Reason, StringComparison.Ordinal);
    }

    private static void Check(FileTree tree)
    {
        ContainerInventory inventory = Inventory.Of(tree);
        Assert.Empty(inventory.Unreadable);
        ContainerRecord record = Assert.Single(inventory.Containers).Record!;
        Assert.Empty(record.Unreadable);
        Assert.Equal((A, "web", "localhost/busybox:latest", ContainerState.Exited, 3), (record.Id.ToString(), Assert.Single(record.Names), record.Image, record.State, record.ExitCode));
        Assert.Equal(["sleep", "9"], record.Command);
        Assert.Equal(new RestartPolicy("on-failure", 3), record.RestartPolicy);
        Assert.Equal((2, true, "k8s-file", "/log"), (record.RestartCount, record.IsAutoRemoved, record.LogDriver, record.LogPath));
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), record.Created!.Value.AddTicks(-(record.Created.Value.Ticks % TimeSpan.TicksPerSecond)));
        Assert.Equal([new ContainerMount("volume", "vol", $"{Storage}/volumes/vol/_data", "/data", "local", IsReadOnly: true), new ContainerMount("bind", null, "/x", "/etc/x", null, IsReadOnly: false)], record.Mounts);
    }

    private static byte[] BoltWith(string id, string config, string state) => new BoltBuilder()
        .Leaf(3, ("ctr", BoltBuilder.BucketAt(4), true))
        .Leaf(4, (id, BoltBuilder.BucketAt(0, BoltBuilder.InPlace(("config", Encoding.UTF8.GetBytes(config), false), ("state", Encoding.UTF8.GetBytes(state), false))), true))
        .Build(root: 3);

    private static void Fill(SqliteConnection connection, string id, string config, string state)
    {
        Execute(connection, "CREATE TABLE ContainerConfig(ID TEXT PRIMARY KEY NOT NULL, JSON TEXT NOT NULL)", "CREATE TABLE ContainerState(ID TEXT PRIMARY KEY NOT NULL, JSON TEXT NOT NULL)");
        foreach ((string table, string json) in (ReadOnlySpan<(string, string)>)[("ContainerConfig", config), ("ContainerState", state)])
        {
            using SqliteCommand insert = connection.CreateCommand();
            insert.CommandText = $"INSERT INTO {table} VALUES ($id, $json)";
            insert.Parameters.AddWithValue("$id", id);
            insert.Parameters.AddWithValue("$json", Encoding.UTF8.GetBytes(json)); // as podman does: bytes
            insert.ExecuteNonQuery();
        }
    }

    private byte[] SqliteWith(string id, string config, string state) => Make(connection => Fill(connection, id, config, state));

    /// <summary>As it stands while the guest has it open: all in the log.</summary>
    private (byte[] Database, byte[] Log) SqliteWithLog()
    {
        string path = Path.Combine(_folder.FullName, "wal.sql");
        using SqliteConnection connection = Open(path);
        Execute(connection, "PRAGMA journal_mode=WAL", "CREATE TABLE Other(x)", "PRAGMA wal_checkpoint(TRUNCATE)");
        Fill(connection, A, Config, State);
        return (File.ReadAllBytes(path), File.ReadAllBytes(path + "-wal"));
    }

    private byte[] Make(Action<SqliteConnection> fill)
    {
        string path = Path.Combine(_folder.FullName, Path.GetRandomFileName());
        using (SqliteConnection connection = Open(path)) fill(connection);
        return File.ReadAllBytes(path);
    }

    private static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, params ReadOnlySpan<string> statements)
    {
        foreach (string sql in statements)
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = sql;
            command.ExecuteNonQuery();
        }
    }
}
