namespace Watari.GuestAgent.Protocol;

/// <summary>
/// Starts a command in a running container by its engine's own <c>exec</c>. It runs until it ends, until <see cref="ExecEndRequest"/>, or until
/// nobody has asked for it for <see cref="LeaseSeconds"/>: then it is ended. Asked for again under the same id it is not started again.
/// </summary>
public sealed record ExecStartRequest : AgentRequest
{
    /// <summary>How long it may go unread.</summary>
    public const int LeaseSeconds = 30;

    /// <summary>Characters of the command and its environment together: a request is one frame, and each may need six bytes.</summary>
    public const int MaxText = 16 << 10;

    public required ExecId Exec { get; init; }

    public required EngineContainer Target { get; init; }

    public required ExecCommand Command { get; init; }
}

/// <summary>A command for a container.</summary>
public sealed record ExecCommand
{
    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Beside what the container's processes have: <c>NAME=value</c>.</summary>
    public IReadOnlyList<string> Environment { get; init; } = [];

    /// <summary>A name, UID or UID:GID, as the engine takes it; runc takes numbers alone. Null for the container's.</summary>
    public string? User { get; init; }

    /// <summary>Where it begins, in the container; null for the container's.</summary>
    public string? Directory { get; init; }

    /// <summary>Whether it has a standard input, by <see cref="ExecWriteRequest"/>; else that is empty.</summary>
    public bool WithInput { get; init; }
}

public sealed record ExecStartResult;

/// <summary>What a command has written; where that is nothing yet, waits for it for a while. The bytes come as data, in the order of the parts.</summary>
public sealed record ExecReadRequest : AgentRequest
{
    /// <summary>Of one answer.</summary>
    public const int MaxBytes = 64 << 10;

    public required ExecId Exec { get; init; }

    /// <summary>How long to wait for something to be there.</summary>
    public required int WaitMilliseconds { get; init; }
}

/// <param name="ExitCode">Set: it has ended, and all that it wrote was read. 128 + signal where one ended it.</param>
public sealed record ExecReadResult(IReadOnlyList<ExecPart> Parts, int? ExitCode = null);

/// <param name="IsError">Of its standard error.</param>
/// <param name="Length">In bytes.</param>
public sealed record ExecPart(bool IsError, int Length);

/// <summary>More of a command's standard input; the bytes follow as data.</summary>
public sealed record ExecWriteRequest : AgentRequest
{
    /// <summary>Of one request.</summary>
    public const int MaxBytes = 64 << 10;

    public required ExecId Exec { get; init; }

    /// <summary>Bytes that follow.</summary>
    public required int Length { get; init; }

    /// <summary>Its standard input ends after them.</summary>
    public required bool IsLast { get; init; }

    /// <summary>How long to wait for the command to take them.</summary>
    public required int WaitMilliseconds { get; init; }
}

/// <param name="Written">How many of them it has taken; the others are to be sent again.</param>
/// <param name="IsClosed">It takes no more: it has ended, or has closed its standard input.</param>
public sealed record ExecWriteResult(int Written, bool IsClosed);

/// <summary>Ends a command, by SIGTERM and soon after by SIGKILL, with whatever it has started and has not had its environment cleared. One that has ended is forgotten.</summary>
public sealed record ExecEndRequest : AgentRequest
{
    public required ExecId Exec { get; init; }
}

/// <param name="WasRunning">It had not ended before.</param>
public sealed record ExecEndResult(bool WasRunning);
