using System.Text.Json;
using Watari.Benchmarks.Core;
using Watari.Guests;
using Watari.Processes;

namespace Watari.Benchmarks.Downtime;

/// <summary>One migration of the redis, as the console tells of it; in milliseconds.</summary>
/// <param name="Downtime">In which no copy ran.</param>
/// <param name="Parts">Of it, by name.</param>
/// <param name="Bytes">Of memory that was moved.</param>
/// <param name="Command">From the start of the console to its end.</param>
internal sealed record Migration(double Downtime, IReadOnlyDictionary<string, double> Parts, long Bytes, double Command)
{
    public static async Task<Migration> RunAsync(TwoHosts hosts, TestHost to)
    {
        Run run = null!;
        TimeSpan took = await Rounds.TimeAsync(async () => run = await hosts.WatariAsync("migrate", "redis", "--to", to.Vm, "-o", "json"));
        if (run.Code != 0) throw new InvalidOperationException($"watari migrate ended with {run.Code}: {run.Error}");
        JsonElement migration = JsonDocument.Parse(run.Out).RootElement;
        JsonElement downtime = migration.GetProperty("downtime");
        var parts = downtime.GetProperty("parts").EnumerateArray()
            .GroupBy(part => part.GetProperty("name").GetString()!, part => part.GetProperty("milliseconds").GetDouble())
            .ToDictionary(part => part.Key, part => part.Sum());
        return new Migration(
            downtime.GetProperty("milliseconds").GetDouble(), parts, migration.GetProperty("transfer").GetProperty("totalBytes").GetInt64(), took.TotalMilliseconds);
    }
}
