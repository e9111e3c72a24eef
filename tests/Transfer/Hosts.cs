using System.Net;

namespace Watari.Transfer.Tests;

/// <summary>A destination host that listens on loopback, and what a test says to it.</summary>
internal static class Hosts
{
    /// <summary>Limits whose deadlines a test can wait for.</summary>
    public static TransferLimits Impatient { get; } = TransferLimits.Default with
    {
        HelloTimeout = TimeSpan.FromMilliseconds(400),
        ArrivalTimeout = TimeSpan.FromMilliseconds(600),
        StallTimeout = TimeSpan.FromMilliseconds(400),
    };

    public static PageReceiver Destination(TransferLimits? limits = null, int maxConnections = 256) =>
        new(new IPEndPoint(IPAddress.Loopback, 0), limits, maxConnections);

    public static PageTransfer To(EndPoint destination, PageReception reception, params PageRun[] runs) => new()
    {
        Destination = destination,
        Job = reception.Job,
        Epoch = reception.Epoch,
        Pages = new PageRunList(runs),
    };

    public static async Task<TransferException> FailureOf(Task task) =>
        await Assert.ThrowsAsync<TransferException>(() => task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
}
