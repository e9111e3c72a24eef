namespace Watari.Containers;

/// <summary>What a container does, in the words of Docker and podman.</summary>
public enum ContainerState
{
    /// <summary>Its record cannot be read, or says nothing that is known here.</summary>
    Unknown,

    /// <summary>Never started.</summary>
    Created,

    /// <summary>Podman's: its processes are prepared, and wait for the first start.</summary>
    Initialized,
    Running,
    Paused,
    Restarting,

    /// <summary>Podman's: it was told to stop, and has not ended yet.</summary>
    Stopping,

    /// <summary>It has run and no process of it lives, but its runtime has not written down that it ended.</summary>
    Stopped,
    Exited,
    Removing,

    /// <summary>Docker's: its removal failed.</summary>
    Dead,
}
