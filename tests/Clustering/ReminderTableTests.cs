namespace Watari.Clustering.Tests;

public sealed class SqliteReminderTableTests(SqlitePlace place) : ReminderTableTests(place), IClassFixture<SqlitePlace>;

public sealed class RedisReminderTableTests(RedisPlace place) : ReminderTableTests(place), IClassFixture<RedisPlace>;

/// <summary>What Watari relies on in a table of reminders, whatever keeps it.</summary>
public abstract class ReminderTableTests(IPlace place) : StoreTests(place)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private IReminderTable Table => First.Reminders;

    [Fact]
    public async Task a_reminder_is_read_back_as_it_was_set()
    {
        ReminderEntry entry = Reminder("resume/now#?");
        string? etag = await Table.UpsertRow(entry, Token);

        ReminderEntry? read = await (await OpenAsync(Cluster)).Reminders.ReadRow(entry.GrainId, entry.ReminderName, Token);

        Assert.NotNull(read);
        Assert.Equal((entry.GrainId, entry.ReminderName, entry.StartAt, entry.Period, etag), (read.GrainId, read.ReminderName, read.StartAt, read.Period, read.ETag));
        Assert.Null(await Table.ReadRow(entry.GrainId, "another", Token));
    }

    [Fact]
    public async Task a_reminder_is_removed_by_its_newest_etag_alone()
    {
        ReminderEntry entry = Reminder("resume");
        string? old = await Table.UpsertRow(entry, Token);
        string? current = await Table.UpsertRow(entry, Token);

        Assert.False(await Table.RemoveRow(entry.GrainId, "resume", old!, Token));
        Assert.False(await Table.RemoveRow(entry.GrainId, "another", current!, Token));
        Assert.True(await Table.RemoveRow(entry.GrainId, "resume", current!, Token));
        Assert.False(await Table.RemoveRow(entry.GrainId, "resume", current!, Token));
    }

    [Fact]
    public async Task setting_a_reminder_again_moves_it()
    {
        ReminderEntry entry = Reminder("resume");
        await Table.UpsertRow(entry, Token);
        entry.StartAt = entry.StartAt.AddHours(1);
        await Table.UpsertRow(entry, Token);

        ReminderEntry read = Assert.Single((await Table.ReadRows(entry.GrainId, Token)).Reminders);

        Assert.Equal(entry.StartAt, read.StartAt);
    }

    [Fact]
    public async Task a_range_holds_its_end_and_not_its_beginning_and_may_run_round_the_top()
    {
        ReminderEntry[] entries = [.. Enumerable.Range(0, 100).Select(i => Reminder($"r{i}"))];
        await Task.WhenAll(entries.Select(entry => Table.UpsertRow(entry, Token)));
        List<uint> hashes = [.. entries.Select(e => e.GrainId.GetUniformHashCode()).Order()];

        Assert.Equal(100, (await Table.ReadRows(0, 0, Token)).Reminders.Count);
        Assert.Equal(hashes.GetRange(11, 40), await HashesIn(hashes[10], hashes[50]));
        Assert.Equal(hashes.Take(11).Concat(hashes.Skip(51)), await HashesIn(hashes[50], hashes[10]));

        async Task<List<uint>> HashesIn(uint begin, uint end) =>
            [.. (await Table.ReadRows(begin, end, Token)).Reminders.Select(e => e.GrainId.GetUniformHashCode()).Order()];
    }

    private static ReminderEntry Reminder(string name) => new()
    {
        GrainId = GrainId.Create("job", Guid.NewGuid().ToString()),
        ReminderName = name,
        StartAt = new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc),
        Period = TimeSpan.FromMinutes(1),
    };
}
