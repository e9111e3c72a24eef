using Watari.Guests;

namespace Watari.SystemTests.Checkpoint;

/// <summary>The program of all kinds as a plain tree of processes: no container, the guest's own mounts and pids.</summary>
internal static class PlainKinds
{
    public const string Program = "/bin/kinds";

    private const string Root = "/var/lib/watari/bundles/kinds/rootfs";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Puts the files of its container where a plain process looks for them.</summary>
    public static Task PrepareAsync(Guest guest) =>
        guest.Console.CheckAsync($"ln -sfn {Root}/data /data && ln -sfn {Root}/bin/kinds {Program}", StockGuest.Patience, Cancellation);

    /// <summary>Starts it, a child of init's, and waits until it answers.</summary>
    /// <returns>The pid of its first process.</returns>
    public static async Task<string> StartAsync(Guest guest)
    {
        await PrepareAsync(guest);
        await FarPids.BeginAsync(guest);
        return await guest.Console.CheckAsync(
            $"(setsid {Program} --plain </dev/null >/dev/null 2>&1 &); until {Program} --ready 2>/dev/null; do :; done; pgrep -of '{Program} --plain'", StockGuest.Patience, Cancellation);
    }
}
