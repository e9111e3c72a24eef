using System.Net;
using System.Net.Sockets;
using System.Text;
using Watari.Transfer.Sending;
using Watari.Transfer.Sockets;

namespace Watari.Transfer;

/// <summary>Streams the pages and metadata of one container to another host's <see cref="PageReceiver"/>.</summary>
/// <remarks>
/// The bytes go from where the page source says they lie into the sockets, on one thread for each stream. The source
/// memory must stay mapped until <see cref="SendAsync"/> has ended, in whatever way.
/// </remarks>
public sealed class PageSender
{
    private readonly PageTransfer _transfer;
    private readonly TransferCounters _counters = new();
    private int _started;

    public PageSender(PageTransfer transfer)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(transfer.Streams, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(transfer.Streams, transfer.Limits.MaxStreams);
        foreach (MetadataBlob blob in transfer.Metadata)
        {
            if (Encoding.UTF8.GetByteCount(blob.Name) > transfer.Limits.MaxNameBytes)
                throw new ArgumentException($"The name of the blob '{blob.Name}' is longer than {transfer.Limits.MaxNameBytes} bytes.", nameof(transfer));
        }
        _transfer = transfer;
        _counters.Announce(transfer.Pages.Pages);
    }

    /// <summary>How far it is; may be read at any time from anywhere.</summary>
    public TransferStatistics Statistics => _counters.Snapshot();

    /// <summary>Sends everything. Returns when the destination has checked all of it against the source's hashes.</summary>
    /// <exception cref="TransferException">It failed or was refused, and why. The destination has, or will have, dropped what arrived.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<TransferStatistics> SendAsync(CancellationToken cancellation = default)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
            throw new InvalidOperationException("A sender sends once; a retry is a new epoch and a new sender.");
        _counters.Start();
        IPEndPoint destination = await ResolveAsync(_transfer.Destination, cancellation);
        RunDivider pages = new(_transfer.Pages);
        SendStream[] streams = new SendStream[_transfer.Streams];
        for (int i = 0; i < streams.Length; i++)
            streams[i] = new SendStream(_transfer, destination, i, pages, _counters);
        try
        {
            await RunAsync(streams, cancellation);
        }
        finally
        {
            foreach (SendStream stream in streams) stream.Dispose();
            _counters.End();
        }
        return Statistics;
    }

    private static async Task RunAsync(SendStream[] streams, CancellationToken cancellation)
    {
        SendFailures failures = new();
        void AbortAll()
        {
            foreach (SendStream stream in streams) stream.Abort();
        }
        void Guard(Action step)
        {
            try
            {
                cancellation.ThrowIfCancellationRequested();
                step();
            }
            catch (Exception e)
            {
                // Whatever it is (the caller's page source runs here too), it ends the transfer and not the process.
                failures.Add(e);
                AbortAll();
            }
        }

        using (cancellation.Register(AbortAll))
        {
            // Every thread is waited for even after a failure: the caller may unmap the source memory afterwards.
            await Task.WhenAll(streams.Select((stream, i) => BulkThread.RunAsync($"page-send-{i}", () => Guard(stream.Run))));
            if (failures.None)
                await BulkThread.RunAsync("page-send-end", () => Guard(() => Array.ForEach(streams, stream => stream.Confirm())));
        }
        if (failures.None) return;
        cancellation.ThrowIfCancellationRequested();
        throw failures.First();
    }

    private static async Task<IPEndPoint> ResolveAsync(EndPoint endPoint, CancellationToken cancellation)
    {
        if (endPoint is IPEndPoint known) return known;
        if (endPoint is not DnsEndPoint named)
            throw new ArgumentException($"{endPoint} is neither an address nor a name.", nameof(endPoint));
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(named.Host, named.AddressFamily, cancellation);
            return new IPEndPoint(addresses[0], named.Port);
        }
        catch (SocketException e)
        {
            throw new TransferException(TransferFailure.PeerVanished, $"The destination's name {named.Host} cannot be resolved: {e.Message}.", e);
        }
    }
}
