using Watari.Clustering.Sqlite;

namespace Watari.Clustering.Tests;

public sealed class SqliteReminderTableTests : IDisposable
{
    private readonly TemporaryFile _file = new();
    private readonly SqliteReminderTable _table;

    public SqliteReminderTableTests() => _table = new SqliteReminderTable(_file.Open(), TemporaryFile.Cluster);

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task a_reminder_is_read_back_as_it_was_set()
    {
        ReminderEntry entry = Reminder("resume/now#?");
        string? etag = await _table.UpsertRow(entry);

        ReminderEntry? read = await _table.ReadRow(entry.GrainId, entry.ReminderName);

        Assert.NotNull(read);
        Assert.Equal((entry.GrainId, entry.ReminderName, entry.StartAt, entry.Period, etag), (read.GrainId, read.ReminderName, read.StartAt, read.Period, read.ETag));
        Assert.Null(await _table.ReadRow(entry.GrainId, "another"));
    }

    [Fact]
    public async Task a_reminder_is_removed_by_its_newest_etag_alone()
    {
        ReminderEntry entry = Reminder("resume");
        string? old = await _table.UpsertRow(entry);
        string? current = await _table.UpsertRow(entry);

        Assert.False(await _table.RemoveRow(entry.GrainId, "resume", old!));
        Assert.False(await _table.RemoveRow(entry.GrainId, "another", current!));
        Assert.True(await _table.RemoveRow(entry.GrainId, "resume", current!));
        Assert.False(await _table.RemoveRow(entry.GrainId, "resume", current!));
    }

    [Fact]
    public async Task setting_a_reminder_again_moves_it()
    {
        ReminderEntry entry = Reminder("resume");
        await _table.UpsertRow(entry);
        entry.StartAt = entry.StartAt.AddHours(1);
        await _table.UpsertRow(entry);

        ReminderEntry read = Assert.Single((await _table.ReadRows(entry.GrainId)).Reminders);

        Assert.Equal(entry.StartAt, read.StartAt);
    }

    [Fact]
    public async Task a_range_holds_its_end_and_not_its_beginning_and_may_run_round_the_top()
    {
        ReminderEntry[] entries = [.. Enumerable.Range(0, 100).Select(i => Reminder($"r{i}"))];
        await Task.WhenAll(entries.Select(_table.UpsertRow));
        List<uint> hashes = [.. entries.Select(e => e.GrainId.GetUniformHashCode()).Order()];

        Assert.Equal(100, (await _table.ReadRows(0, 0)).Reminders.Count);
        Assert.Equal(hashes.GetRange(11, 40), await HashesIn(hashes[10], hashes[50]));
        Assert.Equal(hashes.Take(11).Concat(hashes.Skip(51)), await HashesIn(hashes[50], hashes[10]));

        async Task<List<uint>> HashesIn(uint begin, uint end) =>
            [.. (await _table.ReadRows(begin, end)).Reminders.Select(e => e.GrainId.GetUniformHashCode()).Order()];
    }

    private static ReminderEntry Reminder(string name) => new()
    {
        GrainId = GrainId.Create("job", Guid.NewGuid().ToString()),
        ReminderName = name,
        StartAt = new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc),
        Period = TimeSpan.FromMinutes(1),
    };
}
