using Orleans.Storage;
using Watari.Redis;

namespace Watari.Clustering.Tests;

public sealed class SqliteGrainStorageTests(SqlitePlace place) : GrainStorageTests(place), IClassFixture<SqlitePlace>
{
    private readonly SqlitePlace _place = place;

    [Fact]
    public void the_folder_of_the_database_is_its_owners_alone() => Assert.Equal(
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
        File.GetUnixFileMode(Path.GetDirectoryName(_place.Database)!));
}

public sealed class RedisGrainStorageTests(RedisPlace place) : GrainStorageTests(place), IClassFixture<RedisPlace>
{
    private readonly RedisPlace _place = place;

    /// <summary>What the migration's loop goes by: it reads again after a write that failed, and never writes what it had in mind once more.</summary>
    [Fact]
    public async Task a_write_whose_answer_is_lost_fails_and_has_landed_and_is_not_done_twice()
    {
        await using var wire = new LossyWire(_place.Server.Port);
        await using Store store = await Store.OpenAsync(Options(Cluster) with { ConnectionString = $"127.0.0.1:{wire.Port}" });
        GrainState<Ledger> state = await Read(store);
        state.State = new Ledger { Entries = 1 };
        await store.Grains.WriteStateAsync("state", Grain, state);
        state.State = new Ledger { Entries = 4711 };
        wire.LoseAnswerTo("4711");

        Exception lost = await Assert.ThrowsAnyAsync<Exception>(() => store.Grains.WriteStateAsync("state", Grain, state));
        Exception again = await Assert.ThrowsAnyAsync<Exception>(() => store.Grains.WriteStateAsync("state", Grain, state));

        Assert.IsNotType<InconsistentStateException>(lost);
        Assert.IsType<InconsistentStateException>(again);
        Assert.Equal(4711, (await Read(First)).State!.Entries);
    }

    [Fact]
    public async Task what_was_answered_outlives_a_server_that_is_killed()
    {
        await using RedisServer server = await RedisServer.StartAsync();
        await using Store store = await Store.OpenAsync(Options(Cluster) with { ConnectionString = server.ConnectionString });
        GrainState<Ledger> state = await Read(store);
        state.State = new Ledger { Entries = 7 };
        await store.Grains.WriteStateAsync("state", Grain, state);

        await server.KillAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => store.Grains.WriteStateAsync("state", Grain, state));
        await server.StartAgainAsync();

        await using Store later = await Store.OpenAsync(Options(Cluster) with { ConnectionString = server.ConnectionString });
        GrainState<Ledger> read = await Read(later);
        Assert.Equal((7, state.ETag), (read.State!.Entries, read.ETag));
    }
}

/// <summary>What Watari relies on in a store of grain state, whatever keeps it.</summary>
public abstract class GrainStorageTests(IPlace place) : StoreTests(place)
{
    private protected static GrainId Grain { get; } = GrainId.Create("ledger", "a/b");

    [Fact]
    public async Task what_was_never_written_reads_as_a_new_state()
    {
        GrainState<Ledger> state = await Read(First);

        Assert.False(state.RecordExists);
        Assert.Null(state.ETag);
        Assert.Equal(new Ledger(), state.State);
    }

    [Fact]
    public async Task what_one_process_writes_another_reads()
    {
        GrainState<Ledger> state = await Read(First);
        state.State = new Ledger { Entries = 3, Kind = DayOfWeek.Friday };
        await First.Grains.WriteStateAsync("state", Grain, state);

        GrainState<Ledger> read = await Read(await OpenAsync(Cluster));

        Assert.True(read.RecordExists);
        Assert.Equal(state.ETag, read.ETag);
        Assert.Equal(state.State, read.State);
    }

    [Fact]
    public async Task clusters_that_share_a_place_do_not_see_each_others_state()
    {
        GrainState<Ledger> state = await Read(First);
        state.State = new Ledger { Entries = 3 };
        await First.Grains.WriteStateAsync("state", Grain, state);

        Assert.False((await Read(await OpenAsync($"{Cluster}-neighbour"))).RecordExists);
    }

    [Fact]
    public async Task the_second_of_two_writers_is_refused_and_the_first_ones_state_stays()
    {
        Store other = await OpenAsync(Cluster);
        GrainState<Ledger> first = await Read(First);
        GrainState<Ledger> second = await Read(other);
        first.State = new Ledger { Entries = 1 };
        second.State = new Ledger { Entries = 2 };
        await First.Grains.WriteStateAsync("state", Grain, first);

        await Assert.ThrowsAsync<InconsistentStateException>(() => other.Grains.WriteStateAsync("state", Grain, second));

        Assert.Equal(1, (await Read(First)).State!.Entries);
    }

    [Fact]
    public async Task a_stale_etag_is_refused_after_an_update_and_after_a_removal_and_a_new_beginning()
    {
        IGrainStorage storage = First.Grains;
        GrainState<Ledger> current = await Read(First);
        await storage.WriteStateAsync("state", Grain, current);
        GrainState<Ledger> stale = await Read(First);
        await storage.WriteStateAsync("state", Grain, current);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("state", Grain, stale));

        stale = await Read(First);
        await storage.ClearStateAsync("state", Grain, current);
        await storage.WriteStateAsync("state", Grain, current);

        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("state", Grain, stale));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("state", Grain, stale));
    }

    [Fact]
    public async Task cleared_state_is_gone()
    {
        GrainState<Ledger> state = await Read(First);
        state.State = new Ledger { Entries = 7 };
        await First.Grains.WriteStateAsync("state", Grain, state);

        await First.Grains.ClearStateAsync("state", Grain, state);

        Assert.False(state.RecordExists);
        Assert.Equal(new Ledger(), state.State);
        Assert.False((await Read(First)).RecordExists);
    }

    private protected static async Task<GrainState<Ledger>> Read(Store store)
    {
        var state = new GrainState<Ledger>();
        await store.Grains.ReadStateAsync("state", Grain, state);
        return state;
    }

    public sealed record Ledger
    {
        public int Entries { get; init; }

        public DayOfWeek Kind { get; init; }
    }
}
