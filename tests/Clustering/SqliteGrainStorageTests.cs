using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.Serializers;
using Orleans.Storage;
using Watari.Clustering.Sqlite;

namespace Watari.Clustering.Tests;

public sealed class SqliteGrainStorageTests : IDisposable
{
    private static readonly GrainId Grain = GrainId.Create("ledger", "a/b");
    private readonly TemporaryFile _file = new();

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task what_was_never_written_reads_as_a_new_state()
    {
        GrainState<Ledger> state = await Read(Storage());

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Equal(new Ledger(), state.State);
    }

    [Fact]
    public async Task what_one_process_writes_another_reads()
    {
        GrainState<Ledger> state = await Read(Storage());
        state.State = new Ledger { Entries = 3, Kind = DayOfWeek.Friday };
        await Storage().WriteStateAsync("state", Grain, state);

        GrainState<Ledger> read = await Read(Storage());

        Assert.True(read.RecordExists);
        Assert.Equal(state.ETag, read.ETag);
        Assert.Equal(state.State, read.State);
    }

    [Fact]
    public async Task the_second_of_two_writers_is_refused_and_the_first_ones_state_stays()
    {
        GrainState<Ledger> first = await Read(Storage());
        GrainState<Ledger> second = await Read(Storage());
        first.State = new Ledger { Entries = 1 };
        second.State = new Ledger { Entries = 2 };
        await Storage().WriteStateAsync("state", Grain, first);

        await Assert.ThrowsAsync<InconsistentStateException>(() => Storage().WriteStateAsync("state", Grain, second));

        Assert.Equal(1, (await Read(Storage())).State!.Entries);
    }

    [Fact]
    public async Task a_stale_etag_is_refused_after_an_update_and_after_a_removal_and_a_new_beginning()
    {
        SqliteGrainStorage storage = Storage();
        GrainState<Ledger> current = await Read(storage);
        await storage.WriteStateAsync("state", Grain, current);
        GrainState<Ledger> stale = await Read(storage);
        await storage.WriteStateAsync("state", Grain, current);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("state", Grain, stale));

        stale = await Read(storage);
        await storage.ClearStateAsync("state", Grain, current);
        await storage.WriteStateAsync("state", Grain, current);

        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("state", Grain, stale));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("state", Grain, stale));
    }

    [Fact]
    public async Task cleared_state_is_gone()
    {
        SqliteGrainStorage storage = Storage();
        GrainState<Ledger> state = await Read(storage);
        state.State = new Ledger { Entries = 7 };
        await storage.WriteStateAsync("state", Grain, state);

        await storage.ClearStateAsync("state", Grain, state);

        Assert.False(state.RecordExists);
        Assert.Equal(new Ledger(), state.State);
        Assert.False((await Read(storage)).RecordExists);
    }

    [Fact]
    public void the_folder_of_the_database_is_its_owners_alone()
    {
        _file.Open();

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(Path.GetDirectoryName(_file.Database)!));
    }

    private SqliteGrainStorage Storage()
    {
        ServiceProvider services = new ServiceCollection().AddSerializer().BuildServiceProvider();
        return new SqliteGrainStorage(_file.Open(), new JsonGrainStateSerializer(), TemporaryFile.Cluster, services.GetRequiredService<IActivatorProvider>());
    }

    private static async Task<GrainState<Ledger>> Read(SqliteGrainStorage storage)
    {
        var state = new GrainState<Ledger>();
        await storage.ReadStateAsync("state", Grain, state);
        return state;
    }

    public sealed record Ledger
    {
        public int Entries { get; init; }

        public DayOfWeek Kind { get; init; }
    }
}
