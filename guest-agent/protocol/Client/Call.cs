using System.Buffers.Binary;
using System.IO.Hashing;

namespace Watari.GuestAgent.Protocol;

/// <summary>One request under way: where its answer goes.</summary>
internal sealed class Call(Action<ReadOnlyMemory<byte>>? receive) : IDisposable
{
    private readonly TaskCompletionSource<byte[]> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource ended = new();
    private readonly XxHash3 received = new();

    public Task<byte[]> Answer => answer.Task;

    /// <summary>Struck when the answer is there, so that data which nobody awaits any more is not sent.</summary>
    public CancellationToken Ended => ended.Token;

    public void TakeData(ReadOnlyMemory<byte> part)
    {
        if (answer.Task.IsCompleted)
            return;
        if (receive is null)
        {
            Fail(new AgentException(new AgentError(AgentErrorCode.ProtocolMismatch, "The agent sent data that nobody had asked for.")));
            return;
        }
        received.Append(part.Span);
        try
        {
            receive(part);
        }
        catch (FormatException bad)
        {
            Fail(new AgentException(new AgentError(AgentErrorCode.CorruptData, bad.Message)));
        }
    }

    public void TakeDataEnd(ReadOnlySpan<byte> hash)
    {
        if (hash.Length != sizeof(ulong) || BinaryPrimitives.ReadUInt64LittleEndian(hash) != received.GetCurrentHashAsUInt64())
            Fail(new AgentException(new AgentError(AgentErrorCode.CorruptData, "The data that arrived are not those that the agent sent: ask again.")));
    }

    public void Complete(byte[] payload)
    {
        answer.TrySetResult(payload);
        ended.Cancel();
    }

    public void Fail(Exception why)
    {
        answer.TrySetException(why);
        ended.Cancel();
    }

    // The listener may still hold the call: its token source is left to the collector.
    public void Dispose() => answer.TrySetCanceled();
}
