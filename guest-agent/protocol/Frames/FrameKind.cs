namespace Watari.GuestAgent.Protocol;

/// <summary>What a frame carries.</summary>
public enum FrameKind : byte
{
    /// <summary>Host to agent, JSON <see cref="HostHello"/>: a new session begins, all before it is void.</summary>
    Hello = 1,

    /// <summary>Agent to host, JSON <see cref="AgentHello"/>: the answer to a hello, in its session.</summary>
    Welcome = 2,

    /// <summary>Agent to host, JSON <see cref="AgentHello"/>, session 0: an agent has just started and knows no session.</summary>
    Started = 3,

    /// <summary>Host to agent, JSON <see cref="AgentRequest"/>.</summary>
    Request = 4,

    /// <summary>Either way, binary: a part of what belongs to a request or its response.</summary>
    Data = 5,

    /// <summary>Either way, binary, 8 bytes: the last frame of the data; XxHash3 of all of it.</summary>
    DataEnd = 6,

    /// <summary>Agent to host, JSON: the request's result.</summary>
    Response = 7,

    /// <summary>Agent to host, JSON <see cref="AgentError"/>: the request's failure.</summary>
    Error = 8,
}
