using Watari.Guests;

namespace Watari.SystemTests.Checkpoint;

/// <summary>A plain process is restored with its pid, which must be free there: it is given one far from those that a young guest gives out.</summary>
internal static class FarPids
{
    /// <summary>The guest's next process gets such a pid.</summary>
    public static Task BeginAsync(Guest guest) =>
        guest.Console.CheckAsync("echo 20000 >/proc/sys/kernel/ns_last_pid", StockGuest.Patience, TestContext.Current.CancellationToken);
}
