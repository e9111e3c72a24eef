namespace Watari.GuestAgent.Protocol;

/// <summary>The agent answered that it could not do it.</summary>
public sealed class AgentException(AgentError error) : Exception(error.Message)
{
    public AgentErrorCode Code => error.Code;

    /// <summary>The log lines that explain it; may be empty.</summary>
    public string LogTail => error.LogTail;
}

/// <summary>Why the agent no longer answers.</summary>
public enum AgentLostReason
{
    /// <summary>The channel was closed: the VM or its QEMU is gone.</summary>
    Disconnected,

    /// <summary>Another agent process speaks now: the one that was asked has died. What it had begun, its successor's status tells.</summary>
    Restarted,

    /// <summary>No answer within the deadline and the grace after it.</summary>
    Silent,
}

/// <summary>The agent is gone or does not answer. What a request of it has done is unknown: connect again and ask for the job's status.</summary>
public sealed class AgentLostException(AgentLostReason reason, string message, Exception? inner = null) : Exception(message, inner)
{
    public AgentLostReason Reason => reason;
}
