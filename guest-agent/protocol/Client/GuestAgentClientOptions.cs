namespace Watari.GuestAgent.Protocol;

/// <summary>How the host speaks to an agent.</summary>
public sealed record GuestAgentClientOptions
{
    /// <summary>How long an agent may take to answer a hello. A guest that still boots answers when its agent starts.</summary>
    public TimeSpan ConnectDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long past a request's deadline the host waits for the agent's own answer that it has passed.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Who speaks, for the agent's log.</summary>
    public string Name { get; init; } = "watari";

    public TimeProvider Time { get; init; } = TimeProvider.System;
}
