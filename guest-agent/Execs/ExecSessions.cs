using Watari.GuestAgent.Engines;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Execs;

/// <summary>The commands that run in containers. One that nobody asks for any more is ended, and so is one that an agent has left that died.</summary>
internal sealed class ExecSessions(AgentPaths paths, EnginePrograms programs) : IDisposable
{
    private const int Most = 16;
    private const int EndMilliseconds = 10_000;
    private const int LookMilliseconds = 1000;

    private readonly Lock gate = new();
    private readonly Dictionary<ExecId, ExecSession> sessions = [];
    private bool watched;
    private volatile bool disposed;

    /// <summary>Ends what an agent before this one has not: nobody reads it any more.</summary>
    public static void EndLeftovers(AgentPaths paths)
    {
        foreach (string file in Directory.EnumerateFiles(paths.Execs))
        {
            if (ExecId.TryParse(Path.GetFileName(file), out ExecId exec) && MarkedProcesses.Signal(exec, Libc.SIGKILL) > 0)
                AgentLog.Write($"command {exec} of an agent before this is ended");
            File.Delete(file);
        }
    }

    public ExecStartResult Start(ExecStartRequest request)
    {
        ExecCommand command = request.Command;
        string[] texts = [.. command.Arguments, .. command.Environment, command.User ?? "", command.Directory ?? ""];
        if (command.Arguments.Count == 0 || texts.Any(text => text.Contains('\0', StringComparison.Ordinal)) || command.Environment.Any(variable => variable.IndexOf('=', StringComparison.Ordinal) <= 0))
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, "A command has a program, variables are NAME=value, and none has a zero byte."));
        lock (gate)
        {
            if (sessions.ContainsKey(request.Exec))
                return new ExecStartResult();
            if (sessions.Count >= Most)
                throw new AgentException(new AgentError(AgentErrorCode.Busy, $"{Most} commands run by this agent already: wait for one to end."));
            (string path, IReadOnlyList<string> arguments) = programs.Exec(request.Target, command, MarkedProcesses.MarkOf(request.Exec));
            File.WriteAllText(FileOf(request.Exec), "");
            try
            {
                sessions[request.Exec] = ExecSession.Start(request.Exec, path, arguments, command.WithInput);
            }
            catch
            {
                File.Delete(FileOf(request.Exec));
                throw;
            }
            if (!watched)
                new Thread(Watch) { IsBackground = true }.Start();
            watched = true;
        }
        return new ExecStartResult();
    }

    public ExecPiece Read(ExecReadRequest request, Deadline deadline)
    {
        ExecPiece piece = Get(request.Exec).Read(deadline.Within(request.WaitMilliseconds));
        // What it has left running in the container stays there, as with its engine's own exec.
        if (piece.Result.ExitCode is not null)
            File.Delete(FileOf(request.Exec));
        return piece;
    }

    public ExecWriteResult Write(ExecWriteRequest request, ReadOnlySpan<byte> bytes, Deadline deadline) =>
        Get(request.Exec).Write(bytes, request.IsLast, deadline.Within(request.WaitMilliseconds));

    public ExecEndResult End(ExecEndRequest request, Deadline deadline)
    {
        lock (gate)
        {
            if (!sessions.ContainsKey(request.Exec))
                return new ExecEndResult(WasRunning: false);
        }
        ExecSession session = Get(request.Exec);
        bool wasRunning = !session.HasEnded;
        session.End(deadline);
        Forget(request.Exec);
        return new ExecEndResult(wasRunning);
    }

    public void Dispose()
    {
        disposed = true;
        foreach (ExecId exec in All(_ => true))
            TryEnd(exec);
    }

    private string FileOf(ExecId exec) => $"{paths.Execs}/{exec}";

    private ExecSession Get(ExecId exec)
    {
        lock (gate)
        {
            return sessions.TryGetValue(exec, out ExecSession? session) ? session
                : throw new AgentException(new AgentError(AgentErrorCode.Interrupted, $"This agent knows nothing of the command (any more): it was ended because nobody had asked for it for {ExecStartRequest.LeaseSeconds} s, or because the agent was started again."));
        }
    }

    private List<ExecId> All(Func<ExecSession, bool> wanted)
    {
        lock (gate)
            return [.. sessions.Where(session => wanted(session.Value)).Select(session => session.Key)];
    }

    private void Forget(ExecId exec)
    {
        ExecSession? session;
        lock (gate)
            sessions.Remove(exec, out session);
        session?.Dispose();
        File.Delete(FileOf(exec));
    }

    // The host, its silo or the person at its console may be gone without a word.
    private void Watch()
    {
        while (!disposed)
        {
            Thread.Sleep(LookMilliseconds);
            foreach (ExecId exec in All(session => session.Unasked > ExecStartRequest.LeaseSeconds * 1000))
            {
                AgentLog.Write($"command {exec} is ended: nobody asks for it any more");
                TryEnd(exec);
            }
        }
    }

    private void TryEnd(ExecId exec)
    {
        try
        {
            Get(exec).End(Deadline.After(EndMilliseconds));
            Forget(exec);
        }
        catch (Exception failed) when (failed is AgentException or KernelException or IOException or ObjectDisposedException)
        {
            AgentLog.Write($"command {exec} could not be ended, which is tried again: {failed.Message}");
        }
    }
}
