using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Scripted;

/// <summary>
/// Commands that every container has: <c>echo WORDS</c>; <c>both</c>, which writes to both of its outputs; <c>exit N</c>; <c>cat</c>, which takes
/// three bytes at a time; <c>told</c>, which says how it was started; <c>hang</c>. Their ends are in the journal.
/// </summary>
public sealed class ScriptedCommands(string host, ScriptedWorld world) : IContainerCommands
{
    private const int TakenAtOnce = 3;
    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<Guid, Running> _running = new();

    public Task StartAsync(string vm, string container, Guid exec, ContainerCommand command, CancellationToken cancellationToken)
    {
        if (!world.Read().Vms.Single(v => v.Id == new VmId(host, vm)).HasAgent) throw new EngineException(FailureKind.Refused, $"No guest agent answers in VM '{vm}'.");
        Running running = _running.GetOrAdd(exec, _ => new Running(container));
        switch (command.Arguments[0])
        {
            case "echo": running.Say(string.Join(' ', command.Arguments.Skip(1)) + "\n"); running.End(0); break;
            case "both": running.Say("out\n"); running.Say("err\n", isError: true); running.End(0); break;
            case "exit": running.End(int.Parse(command.Arguments[1], System.Globalization.CultureInfo.InvariantCulture)); break;
            case "told": running.Say($"{string.Join(' ', command.Arguments)} as {command.User} in {command.Directory} with {string.Join(' ', command.Environment)}\n"); running.End(0); break;
            case "cat" when !command.WithInput: running.End(0); break;
            case "cat" or "hang": running.Say("begun\n", isError: true); break;
            default: running.Say("not found\n", isError: true); running.End(127); break;
        }

        return Task.CompletedTask;
    }

    public async Task<ExecPiece> ReadAsync(string vm, Guid exec, int piece, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_wait);
        try
        {
            return await Get(exec).Pieces.Reader.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            return new ExecPiece([], null);
        }
    }

    public Task<ExecInput> WriteAsync(string vm, Guid exec, long offset, ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancellationToken)
    {
        Running running = Get(exec);
        int taken = Math.Min(bytes.Length, TakenAtOnce);
        if (taken > 0) running.Say(Encoding.UTF8.GetString(bytes.Span[..taken]));
        running.Taken += taken;
        bool isClosed = isLast && taken == bytes.Length;
        if (isClosed) running.End(0);
        return Task.FromResult(new ExecInput(running.Taken, isClosed));
    }

    public Task EndAsync(string vm, Guid exec, CancellationToken cancellationToken)
    {
        if (_running.TryRemove(exec, out Running? running)) world.Change(state => state.Journal.Add($"{host}: {running.Container}: command {(running.HasEnded ? "forgotten" : "ended")}"));
        return Task.CompletedTask;
    }

    private Running Get(Guid exec) => _running.GetValueOrDefault(exec) ?? throw new EngineException(FailureKind.Interrupted, "This host knows nothing of the command.");

    private sealed class Running(string container)
    {
        public string Container => container;

        public Channel<ExecPiece> Pieces { get; } = Channel.CreateUnbounded<ExecPiece>();

        public long Taken { get; set; }

        public bool HasEnded { get; private set; }

        public void Say(string text, bool isError = false) => Pieces.Writer.TryWrite(new ExecPiece([new ExecOutput(isError, [.. Encoding.UTF8.GetBytes(text)])], null));

        public void End(int code)
        {
            HasEnded = true;
            Pieces.Writer.TryWrite(new ExecPiece([], code));
        }
    }
}
