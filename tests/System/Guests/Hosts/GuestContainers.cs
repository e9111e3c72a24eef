using System.Text.Json;

namespace Watari.Guests;

/// <summary>The guest image's containers, handled from inside by runc: what a person in the guest would do.</summary>
public sealed class GuestContainers(Guest guest)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Starts a container of a bundle of the image (<c>redis</c>, <c>counter</c>, <c>kinds</c>) and waits until it answers.</summary>
    public Task RunAsync(string bundle, string? id = null, CancellationToken cancellation = default) =>
        CheckAsync($"watari-run {bundle} {id}", cancellation);

    /// <summary>Fills a redis with data that are the same every time.</summary>
    public Task FillRedisAsync(string id, int megabytes, CancellationToken cancellation = default) =>
        CheckAsync($"watari-fill-redis {id} {megabytes}", cancellation);

    /// <summary>The digest of all data of a redis.</summary>
    public Task<string> DigestAsync(string id = "redis", CancellationToken cancellation = default) =>
        ExecAsync(id, "/usr/bin/redis-cli -s /run/redis.sock debug digest", cancellation);

    /// <summary>What a counter says of itself; <c>intact</c> is false where it lost, repeated or saw something wrong.</summary>
    public async Task<JsonElement> ReportAsync(string id = "counter", CancellationToken cancellation = default)
    {
        GuestCommandResult report = await guest.Console.RunAsync($"runc exec {id} /bin/counter --report", s_patience, cancellation);
        return JsonDocument.Parse(report.Output).RootElement;
    }

    /// <summary>Runs a command in a container.</summary>
    public Task<string> ExecAsync(string id, string command, CancellationToken cancellation = default) =>
        CheckAsync($"runc exec {id} {command}", cancellation);

    /// <summary>What runc takes it for: <c>running</c>, <c>paused</c>; null where it knows no such container.</summary>
    public async Task<string?> StatusAsync(string id, CancellationToken cancellation = default)
    {
        GuestCommandResult state = await guest.Console.RunAsync($"runc state {id}", s_patience, cancellation);
        return state.ExitCode == 0 ? JsonDocument.Parse(state.Output).RootElement.GetProperty("status").GetString() : null;
    }

    /// <summary>Kills and removes a container; its bundle stays. Does nothing where there is none.</summary>
    public Task RemoveAsync(string id, CancellationToken cancellation = default) =>
        CheckAsync($"runc delete --force {id} 2>/dev/null || true", cancellation);

    private Task<string> CheckAsync(string command, CancellationToken cancellation) => guest.Console.CheckAsync(command, s_patience, cancellation);
}
