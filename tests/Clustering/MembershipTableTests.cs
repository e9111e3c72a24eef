using System.Net;

namespace Watari.Clustering.Tests;

public sealed class SqliteMembershipTableTests(SqlitePlace place) : MembershipTableTests(place), IClassFixture<SqlitePlace>;

public sealed class RedisMembershipTableTests(RedisPlace place) : MembershipTableTests(place), IClassFixture<RedisPlace>;

/// <summary>What Watari relies on in a membership table, whatever keeps it.</summary>
public abstract class MembershipTableTests(IPlace place) : StoreTests(place)
{
    private static int s_generation;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IMembershipTable Table => First.Members;

    [Fact]
    public async Task a_new_table_is_empty_and_of_version_zero()
    {
        MembershipTableData data = await Table.ReadAllAsync(Token);

        Assert.Empty(data.Members);
        Assert.Equal(0, data.Version.Version);
        Assert.NotNull(data.Version.VersionEtag);
    }

    [Fact]
    public async Task a_row_is_inserted_once_and_only_under_the_version_that_was_read()
    {
        MembershipEntry silo = Silo();
        TableVersion next = (await Table.ReadAllAsync(Token)).Version.Next();

        Assert.True(await Table.InsertRowAsync(silo, next, Token));
        Assert.False(await Table.InsertRowAsync(silo, next, Token), "same row, old version");
        Assert.False(await Table.InsertRowAsync(Silo(), next, Token), "new row, old version");
        Assert.False(await Table.InsertRowAsync(silo, (await Table.ReadAllAsync(Token)).Version.Next(), Token), "same row, right version");

        MembershipTableData data = await Table.ReadAllAsync(Token);
        Assert.Equal(1, data.Version.Version);
        Assert.Equal(silo.ToFullString(), Assert.Single(data.Members).Item1.ToFullString());
    }

    [Fact]
    public async Task an_update_needs_the_rows_etag_and_the_tables_version()
    {
        MembershipEntry silo = Silo();
        TableVersion old = (await Table.ReadAllAsync(Token)).Version.Next();
        Assert.True(await Table.InsertRowAsync(silo, old, Token));
        (MembershipEntry entry, string etag) = await OnlyRow();
        entry.Status = SiloStatus.Dead;
        entry.SuspectTimes = [Tuple.Create(Silo().SiloAddress, new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc))];

        Assert.False(await Table.UpdateRowAsync(entry, etag, old, Token), "old version");
        Assert.True(await Table.UpdateRowAsync(entry, etag, (await Table.ReadAllAsync(Token)).Version.Next(), Token));
        Assert.False(await Table.UpdateRowAsync(entry, etag, (await Table.ReadAllAsync(Token)).Version.Next(), Token), "old etag");

        (MembershipEntry read, string newEtag) = await OnlyRow();
        Assert.Equal(entry.ToFullString(), read.ToFullString());
        Assert.NotEqual(etag, newEtag);
        Assert.Equal(2, (await Table.ReadAllAsync(Token)).Version.Version);
    }

    [Fact]
    public async Task a_sign_of_life_changes_neither_etag_nor_version()
    {
        MembershipEntry silo = Silo();
        Assert.True(await Table.InsertRowAsync(silo, (await Table.ReadAllAsync(Token)).Version.Next(), Token));
        (_, string etag) = await OnlyRow();
        DateTime now = silo.IAmAliveTime.AddSeconds(5);

        await Table.UpdateIAmAliveAsync(new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = now }, Token);

        (MembershipEntry read, string after) = await OnlyRow();
        Assert.Equal(now, read.IAmAliveTime);
        Assert.Equal(SiloStatus.Active, read.Status);
        Assert.Equal(etag, after);
        Assert.Equal(1, (await Table.ReadAllAsync(Token)).Version.Version);
    }

    [Fact]
    public async Task of_many_writers_in_two_processes_each_change_lands_once()
    {
        IMembershipTable other = (await OpenAsync(Cluster)).Members;
        MembershipEntry silo = Silo();
        TableVersion next = (await Table.ReadAllAsync(Token)).Version.Next();
        bool[] inserted = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? Table : other).InsertRowAsync(silo, next, Token)));
        Assert.Single(inserted, true);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            IMembershipTable table = i % 2 == 0 ? Table : other;
            while (true)
            {
                MembershipTableData data = await table.ReadAllAsync(Token);
                if (await table.UpdateRowAsync(data.Members[0].Item1, data.Members[0].Item2, data.Version.Next(), Token)) return;
            }
        }));

        Assert.Equal(11, (await Table.ReadAllAsync(Token)).Version.Version);
    }

    [Fact]
    public async Task dead_rows_go_when_they_are_old_and_active_ones_stay_however_old()
    {
        DateTime old = DateTime.UtcNow.AddDays(-10);
        await Insert(Silo(SiloStatus.Active, old), Silo(SiloStatus.Dead, old), Silo(SiloStatus.Dead, DateTime.UtcNow));

        await Table.CleanupDefunctSiloEntriesAsync(DateTime.UtcNow.AddDays(-1), Token);

        Assert.Equal([SiloStatus.Active, SiloStatus.Dead], (await Table.ReadAllAsync(Token)).Members.Select(m => m.Item1.Status).Order());
    }

    [Fact]
    public async Task a_clusters_rows_are_deleted_and_another_clusters_stay()
    {
        IMembershipTable neighbour = (await OpenAsync($"{Cluster}-neighbour")).Members;
        await Insert(Silo());
        Assert.True(await neighbour.InsertRowAsync(Silo(), (await neighbour.ReadAllAsync(Token)).Version.Next(), Token));

        await Table.DeleteMembershipTableEntriesAsync(Cluster, Token);

        Assert.Empty((await (await OpenAsync(Cluster)).Members.ReadAllAsync(Token)).Members);
        Assert.Single((await neighbour.ReadAllAsync(Token)).Members);
    }

    [Fact]
    public async Task gateways_are_the_active_members_that_have_one()
    {
        MembershipEntry gateway = Silo();
        MembershipEntry without = Silo();
        without.ProxyPort = 0;
        await Insert(gateway, without, Silo(SiloStatus.Dead), Silo(SiloStatus.ShuttingDown));

        Uri uri = Assert.Single(await Store.GatewaysAsync(Options(Cluster)));

        Assert.Equal(gateway.ProxyPort, uri.Port);
    }

    private async Task Insert(params MembershipEntry[] silos)
    {
        foreach (MembershipEntry silo in silos) Assert.True(await Table.InsertRowAsync(silo, (await Table.ReadAllAsync(Token)).Version.Next(), Token));
    }

    private async Task<(MembershipEntry Entry, string Etag)> OnlyRow()
    {
        Tuple<MembershipEntry, string> row = Assert.Single((await Table.ReadAllAsync(Token)).Members);
        return (row.Item1, row.Item2);
    }

    private static MembershipEntry Silo(SiloStatus status = SiloStatus.Active, DateTime? time = null)
    {
        int generation = Interlocked.Increment(ref s_generation);
        return new MembershipEntry
        {
            SiloAddress = SiloAddress.New(IPAddress.Loopback, 11111, generation),
            HostName = "host",
            SiloName = $"silo-{generation}",
            Status = status,
            ProxyPort = 30000 + generation,
            StartTime = time ?? DateTime.UtcNow,
            IAmAliveTime = time ?? DateTime.UtcNow,
        };
    }
}
