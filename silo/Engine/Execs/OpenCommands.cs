using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;

namespace Watari.Silo.Engine.Execs;

/// <summary>The commands that somebody reads through this host, and how far.</summary>
internal sealed class OpenCommands(TimeProvider time)
{
    /// <summary>Longer than the agent keeps one that nobody asks for.</summary>
    private static readonly TimeSpan s_kept = TimeSpan.FromSeconds(4 * ExecStartRequest.LeaseSeconds);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, OpenCommand> _commands = [];

    /// <summary>One that is there already stays as it is.</summary>
    public void Add(Guid exec)
    {
        lock (_gate)
        {
            foreach ((Guid old, OpenCommand command) in _commands.ToList())
            {
                if (time.GetElapsedTime(command.Asked) > s_kept) _commands.Remove(old);
            }

            _commands.TryAdd(exec, new OpenCommand(time));
        }
    }

    /// <exception cref="EngineException">This run of the silo knows nothing of it.</exception>
    public OpenCommand Get(Guid exec)
    {
        lock (_gate)
        {
            return _commands.TryGetValue(exec, out OpenCommand? command) ? command
                : throw new EngineException(FailureKind.Interrupted, "This host knows nothing of the command: its silo was started again. The agent in the VM ends a command that nobody asks for any more.");
        }
    }

    public bool Remove(Guid exec)
    {
        lock (_gate) return _commands.Remove(exec);
    }
}

/// <summary>A command, how far its output was read, and how far it has taken its input. A question may be asked again.</summary>
internal sealed class OpenCommand(TimeProvider time)
{
    private readonly Lock _gate = new();
    private int _piece = -1;
    private Task<ExecPiece>? _last;
    private Task _written = Task.CompletedTask;
    private long _taken;
    private bool _isClosed;

    /// <summary>A timestamp of the host's clock.</summary>
    public long Asked { get; private set; } = time.GetTimestamp();

    /// <param name="piece">The last one, or the next.</param>
    /// <param name="read">Reads the next.</param>
    /// <exception cref="EngineException">It is neither; or the reading failed.</exception>
    public Task<ExecPiece> ReadAsync(int piece, Func<Task<ExecPiece>> read)
    {
        lock (_gate)
        {
            Asked = time.GetTimestamp();
            if (piece == _piece) return _last!;
            if (piece != _piece + 1 || _last is { IsCompleted: false })
                throw new EngineException(FailureKind.Refused, $"Piece {piece} of a command's output was asked for where {_piece + 1} is the next.");
            _piece = piece;
            return _last = read();
        }
    }

    /// <param name="write">Writes these bytes, as many as the command takes.</param>
    /// <exception cref="EngineException">There is a gap before them; or the writing failed.</exception>
    public Task<ExecInput> WriteAsync(long offset, ReadOnlyMemory<byte> bytes, bool isLast, Func<ReadOnlyMemory<byte>, Task<ExecWriteResult>> write)
    {
        lock (_gate)
        {
            Asked = time.GetTimestamp();
            Task<ExecInput> written = WriteAfterAsync(_written, offset, bytes, isLast, write);
            _written = written;
            return written;
        }
    }

    private async Task<ExecInput> WriteAfterAsync(Task before, long offset, ReadOnlyMemory<byte> bytes, bool isLast, Func<ReadOnlyMemory<byte>, Task<ExecWriteResult>> write)
    {
        // One after the other, whatever has become of the one before.
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        if (offset > _taken) throw new EngineException(FailureKind.Refused, $"Byte {offset} of a command's standard input was given where {_taken} is the next.");
        long left = offset + bytes.Length - _taken;
        if (_isClosed || left < 0 || (left == 0 && !isLast)) return new ExecInput(_taken, _isClosed);
        ExecWriteResult result = await write(bytes[(int)(bytes.Length - left)..]);
        // The guest says so, and is not trusted to have counted.
        if (result.Written < 0 || result.Written > left) throw new EngineException(FailureKind.Internal, $"The guest's agent says that a command took {result.Written} of {left} bytes.");
        _taken += result.Written;
        _isClosed = result.IsClosed || (isLast && result.Written == left);
        return new ExecInput(_taken, _isClosed);
    }
}
