using System.Buffers;
using System.Threading.Channels;

namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Writes frames to the channel, one after the other. A caller that gives up leaves before its
/// frame is queued or not at all: a frame once begun is finished, however long a paused guest takes.
/// </summary>
internal sealed class FrameSender(Stream channel, ulong session) : IAsyncDisposable
{
    private readonly record struct Frame(byte[] Buffer, int Length);

    private readonly Channel<Frame> queue = Channel.CreateBounded<Frame>(8);
    private readonly CancellationTokenSource closing = new();
    private Task writing = Task.CompletedTask;

    /// <summary>Begins to write; <paramref name="broken"/> is told once why it ended, if not by this side.</summary>
    public void Start(Action<Exception> broken) => writing = WriteAsync(broken);

    public async ValueTask SendAsync(FrameKind kind, uint request, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FrameHeader.Size + payload.Length);
        Frame frame = new(buffer, FrameHeader.WriteFrame(buffer, kind, request, session, payload.Span));
        try
        {
            await queue.Writer.WriteAsync(frame, cancellationToken);
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        queue.Writer.TryComplete();
        await closing.CancelAsync();
        await writing;
        closing.Dispose();
    }

    private async Task WriteAsync(Action<Exception> broken)
    {
        try
        {
            await foreach (Frame frame in queue.Reader.ReadAllAsync(closing.Token))
            {
                await channel.WriteAsync(frame.Buffer.AsMemory(0, frame.Length), closing.Token);
                ArrayPool<byte>.Shared.Return(frame.Buffer);
            }
        }
        catch (OperationCanceledException)
        {
            // Closed by this side.
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            broken(gone);
        }
    }
}
