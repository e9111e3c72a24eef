using System.Runtime.InteropServices;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Execs;

/// <summary>What a command has written: the bytes, and which of them are of its standard error.</summary>
internal readonly record struct ExecPiece(ReadOnlyMemory<byte> Bytes, ExecReadResult Result);

/// <summary>
/// A command that runs in a container, and the pipes to it. Nothing of what it writes is kept here: where nobody reads, its pipes fill up,
/// and it waits.
/// </summary>
internal sealed unsafe class ExecSession : IDisposable
{
    private const int F_SETFL = 4;
    private const int GraceMilliseconds = 2000;
    private const int RoundMilliseconds = 50;

    /// <summary>As much as its pipes can hold: after its end no more of them is its own.</summary>
    private const int MostAfterEnd = 2 * 64 * 1024;

    private readonly ExecId id;
    private readonly ChildProcess child;
    private readonly KernelFile output, errors;
    private readonly Lock reading = new(), writing = new(), ending = new();
    private KernelFile? input;
    private bool outputEnded, errorsEnded;
    private int afterEnd;
    private long asked = Deadline.Now;

    private ExecSession(ExecId id, ChildProcess child, KernelFile? input, KernelFile output, KernelFile errors)
    {
        this.id = id;
        this.child = child;
        this.input = input;
        this.output = output;
        this.errors = errors;
    }

    /// <summary>It has ended by itself, or was ended.</summary>
    public bool HasEnded => child.HasEnded;

    /// <summary>Milliseconds since it was read or written last.</summary>
    public long Unasked => Deadline.Now - Volatile.Read(ref asked);

    /// <exception cref="KernelException">The program cannot be started.</exception>
    public static ExecSession Start(ExecId id, string path, IReadOnlyList<string> arguments, bool withInput)
    {
        (KernelFile Mine, KernelFile Its)? input = withInput ? Pipe(mineIsRead: false) : null;
        (KernelFile mine, KernelFile its) = Pipe(mineIsRead: true);
        (KernelFile myErrors, KernelFile itsErrors) = Pipe(mineIsRead: true);
        try
        {
            return new ExecSession(id, ChildProcess.Start(path, arguments, EnvironmentList.OfShell(), input?.Its, its, itsErrors), input?.Mine, mine, myErrors);
        }
        catch
        {
            input?.Mine.Dispose();
            mine.Dispose();
            myErrors.Dispose();
            throw;
        }
        finally
        {
            // The ends that the program has: as long as they are open here, too, nobody hears of its end.
            input?.Its.Dispose();
            its.Dispose();
            itsErrors.Dispose();
        }
    }

    /// <summary>What is there; waits for it until the deadline.</summary>
    public ExecPiece Read(Deadline deadline)
    {
        lock (reading)
        {
            try
            {
                while (true)
                {
                    // Before the pipes: what it has written before its end is in them.
                    bool ended = child.HasEnded;
                    ExecPiece piece = Take();
                    if (ended && ((afterEnd += piece.Bytes.Length) > MostAfterEnd || piece.Bytes.IsEmpty))
                        return piece with { Result = piece.Result with { ExitCode = ExitCode() } };
                    if (!piece.Bytes.IsEmpty)
                        return piece;
                    ReadOnlySpan<int> awaited = [outputEnded ? -1 : output.Fd, errorsEnded ? -1 : errors.Fd, child.Fd];
                    if (deadline.TryWaitAny(awaited, Libc.POLLIN, "a command wrote something") < 0)
                        return piece;
                }
            }
            finally
            {
                Volatile.Write(ref asked, Deadline.Now);
            }
        }
    }

    /// <summary>Gives it more of its standard input, as far as it takes it until the deadline.</summary>
    public ExecWriteResult Write(ReadOnlySpan<byte> bytes, bool isLast, Deadline deadline)
    {
        lock (writing)
        {
            try
            {
                int done = 0;
                while (input is not null && done < bytes.Length)
                {
                    fixed (byte* from = bytes)
                    {
                        nint written = Libc.write(input.Fd, from + done, (nuint)(bytes.Length - done));
                        if (written >= 0)
                        {
                            done += (int)written;
                            continue;
                        }
                    }
                    switch (Marshal.GetLastPInvokeError())
                    {
                        case Libc.EINTR:
                            break;
                        case Libc.EAGAIN:
                            if (deadline.TryWaitAny([input.Fd], Libc.POLLOUT, "a command read its standard input") < 0)
                                return new ExecWriteResult(done, IsClosed: false);
                            break;
                        case Libc.EPIPE:
                            CloseInput();
                            break;
                        case var errno:
                            throw new KernelException("writing to a command", errno);
                    }
                }
                if (input is null)
                    return new ExecWriteResult(done, IsClosed: true);
                if (isLast)
                    CloseInput();
                return new ExecWriteResult(done, IsClosed: false);
            }
            finally
            {
                Volatile.Write(ref asked, Deadline.Now);
            }
        }
    }

    /// <summary>SIGTERM, and for what has not ended soon SIGKILL; returns when nothing of it is left.</summary>
    /// <exception cref="AgentException">deadline-exceeded.</exception>
    public void End(Deadline deadline)
    {
        lock (ending)
        {
            if (child.HasEnded)
                return;
            if (MarkedProcesses.Signal(id, Libc.SIGTERM) > 0)
            {
                Deadline grace = deadline.Within(GraceMilliseconds);
                grace.TryWaitAny([child.Fd], Libc.POLLIN, "a command ended");
            }
            // An engine whose program is gone may begin yet what that had just asked of it.
            for (int quiet = 0; quiet < 2;)
            {
                deadline.Check("a command ended");
                child.Signal(Libc.SIGKILL);
                quiet = MarkedProcesses.Signal(id, Libc.SIGKILL) == 0 && child.HasEnded ? quiet + 1 : 0;
                Thread.Sleep(RoundMilliseconds);
            }
        }
    }

    public void Dispose()
    {
        lock (writing)
            CloseInput();
        lock (reading)
        {
            ExitCode();
            output.Dispose();
            errors.Dispose();
            child.Dispose();
        }
    }

    private static (KernelFile Mine, KernelFile Its) Pipe(bool mineIsRead)
    {
        int* ends = stackalloc int[2];
        KernelException.Check(Libc.pipe2(ends, Libc.O_CLOEXEC), "pipe2");
        KernelFile read = new(ends[0]), write = new(ends[1]);
        (KernelFile mine, KernelFile its) = mineIsRead ? (read, write) : (write, read);
        // Only this end: the program's is as it expects it.
        KernelException.Check(Libc.fcntl(mine.Fd, F_SETFL, Libc.O_NONBLOCK), "fcntl");
        return (mine, its);
    }

    /// <summary>What is in the pipes now.</summary>
    private ExecPiece Take()
    {
        if (!IsReady(output, outputEnded) && !IsReady(errors, errorsEnded))
            return new ExecPiece(default, new ExecReadResult([]));
        byte[] bytes = new byte[ExecReadRequest.MaxBytes];
        List<ExecPart> parts = [];
        // Half for each, so that neither is held up by the other.
        int length = Fill(bytes.AsSpan(0, bytes.Length / 2), output, ref outputEnded);
        if (length > 0)
            parts.Add(new ExecPart(IsError: false, length));
        int more = Fill(bytes.AsSpan(length, bytes.Length / 2), errors, ref errorsEnded);
        if (more > 0)
            parts.Add(new ExecPart(IsError: true, more));
        return new ExecPiece(bytes.AsMemory(0, length + more), new ExecReadResult(parts));
    }

    private static bool IsReady(KernelFile pipe, bool ended)
    {
        Libc.PollFd polled = new() { Fd = ended ? -1 : pipe.Fd, Events = Libc.POLLIN };
        return Libc.poll(&polled, 1, 0) > 0;
    }

    private static int Fill(Span<byte> room, KernelFile pipe, ref bool ended)
    {
        int filled = 0;
        while (!ended && filled < room.Length)
        {
            fixed (byte* to = room)
            {
                nint read = Libc.read(pipe.Fd, to + filled, (nuint)(room.Length - filled));
                if (read > 0)
                    filled += (int)read;
                else if (read == 0)
                    ended = true;
                else if (Marshal.GetLastPInvokeError() == Libc.EAGAIN)
                    break;
                else if (Marshal.GetLastPInvokeError() != Libc.EINTR)
                    throw new KernelException("reading of a command", Marshal.GetLastPInvokeError());
            }
        }
        return filled;
    }

    private void CloseInput()
    {
        input?.Dispose();
        input = null;
    }

    /// <summary>Of one that has ended; another thread may not reap it.</summary>
    private int ExitCode() => child.Wait(Deadline.After(GraceMilliseconds), "a command ended");
}
