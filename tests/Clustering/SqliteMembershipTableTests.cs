using System.Net;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Watari.Clustering.Sqlite;

namespace Watari.Clustering.Tests;

public sealed class SqliteMembershipTableTests : IAsyncLifetime
{
    private static int s_generation;
    private readonly TemporaryFile _file = new();
    private SqliteMembershipTable _table = null!;

    public async ValueTask InitializeAsync()
    {
        _table = new SqliteMembershipTable(_file.Open(), TemporaryFile.Cluster);
        await _table.InitializeMembershipTable(true);
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task a_new_table_is_empty_and_of_version_zero()
    {
        MembershipTableData data = await _table.ReadAll();

        Assert.Empty(data.Members);
        Assert.Equal(0, data.Version.Version);
        Assert.NotNull(data.Version.VersionEtag);
    }

    [Fact]
    public async Task a_row_is_inserted_once_and_only_under_the_version_that_was_read()
    {
        MembershipEntry silo = Silo();
        TableVersion next = (await _table.ReadAll()).Version.Next();

        Assert.True(await _table.InsertRow(silo, next));
        Assert.False(await _table.InsertRow(silo, next), "same row, old version");
        Assert.False(await _table.InsertRow(Silo(), next), "new row, old version");
        Assert.False(await _table.InsertRow(silo, (await _table.ReadAll()).Version.Next()), "same row, right version");

        MembershipTableData data = await _table.ReadRow(silo.SiloAddress);
        Assert.Equal(1, data.Version.Version);
        Assert.Equal(silo.ToFullString(), Assert.Single(data.Members).Item1.ToFullString());
    }

    [Fact]
    public async Task an_update_needs_the_rows_etag_and_the_tables_version()
    {
        MembershipEntry silo = Silo();
        TableVersion old = (await _table.ReadAll()).Version.Next();
        Assert.True(await _table.InsertRow(silo, old));
        (MembershipEntry entry, string etag) = await OnlyRow();
        entry.Status = SiloStatus.Dead;
        entry.SuspectTimes = [Tuple.Create(Silo().SiloAddress, new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc))];

        Assert.False(await _table.UpdateRow(entry, etag, old), "old version");
        Assert.True(await _table.UpdateRow(entry, etag, (await _table.ReadAll()).Version.Next()));
        Assert.False(await _table.UpdateRow(entry, etag, (await _table.ReadAll()).Version.Next()), "old etag");

        (MembershipEntry read, string newEtag) = await OnlyRow();
        Assert.Equal(entry.ToFullString(), read.ToFullString());
        Assert.NotEqual(etag, newEtag);
        Assert.Equal(2, (await _table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task a_sign_of_life_changes_neither_etag_nor_version()
    {
        MembershipEntry silo = Silo();
        Assert.True(await _table.InsertRow(silo, (await _table.ReadAll()).Version.Next()));
        (_, string etag) = await OnlyRow();
        DateTime now = silo.IAmAliveTime.AddSeconds(5);

        await _table.UpdateIAmAlive(new MembershipEntry { SiloAddress = silo.SiloAddress, IAmAliveTime = now });

        (MembershipEntry read, string after) = await OnlyRow();
        Assert.Equal(now, read.IAmAliveTime);
        Assert.Equal(SiloStatus.Active, read.Status);
        Assert.Equal(etag, after);
        Assert.Equal(1, (await _table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task of_many_writers_in_two_processes_each_change_lands_once()
    {
        var other = new SqliteMembershipTable(_file.Open(), TemporaryFile.Cluster);
        MembershipEntry silo = Silo();
        TableVersion next = (await _table.ReadAll()).Version.Next();
        bool[] inserted = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => (i % 2 == 0 ? _table : other).InsertRow(silo, next)));
        Assert.Single(inserted, true);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            SqliteMembershipTable table = i % 2 == 0 ? _table : other;
            while (true)
            {
                MembershipTableData data = await table.ReadAll();
                if (await table.UpdateRow(data.Members[0].Item1, data.Members[0].Item2, data.Version.Next())) return;
            }
        }));

        Assert.Equal(11, (await _table.ReadAll()).Version.Version);
    }

    [Fact]
    public async Task defunct_rows_go_and_active_ones_stay_however_old()
    {
        DateTime old = DateTime.UtcNow.AddDays(-10);
        await Insert(Silo(SiloStatus.Active, old), Silo(SiloStatus.Dead, old), Silo(SiloStatus.Joining, old), Silo(SiloStatus.Dead, DateTime.UtcNow));

        await _table.CleanupDefunctSiloEntries(DateTime.UtcNow.AddDays(-1));

        Assert.Equal([SiloStatus.Active, SiloStatus.Dead], (await _table.ReadAll()).Members.Select(m => m.Item1.Status).Order());
    }

    [Fact]
    public async Task a_clusters_rows_are_deleted_and_another_clusters_stay()
    {
        var neighbour = new SqliteMembershipTable(_file.Open(), Options.Create(new ClusterOptions { ClusterId = "neighbour", ServiceId = "test" }));
        await neighbour.InitializeMembershipTable(true);
        await Insert(Silo());
        Assert.True(await neighbour.InsertRow(Silo(), (await neighbour.ReadAll()).Version.Next()));

        await _table.DeleteMembershipTableEntries("test");

        Assert.Empty((await _table.ReadAll()).Members);
        Assert.Single((await neighbour.ReadAll()).Members);
    }

    [Fact]
    public async Task gateways_are_the_active_members_that_have_one()
    {
        MembershipEntry gateway = Silo();
        MembershipEntry without = Silo();
        without.ProxyPort = 0;
        await Insert(gateway, without, Silo(SiloStatus.Dead), Silo(SiloStatus.ShuttingDown));
        var provider = new SqliteGatewayListProvider(_table, Options.Create(new GatewayOptions()));

        Uri uri = Assert.Single(await provider.GetGateways());

        Assert.Equal(gateway.ProxyPort, uri.Port);
    }

    private async Task Insert(params MembershipEntry[] silos)
    {
        foreach (MembershipEntry silo in silos) Assert.True(await _table.InsertRow(silo, (await _table.ReadAll()).Version.Next()));
    }

    private async Task<(MembershipEntry Entry, string Etag)> OnlyRow()
    {
        Tuple<MembershipEntry, string> row = Assert.Single((await _table.ReadAll()).Members);
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
