namespace Watari.Checkpoint.Images;

/// <summary>How CRIU keeps the network still while it restores (inventory.network_lock_method).</summary>
public enum NetworkLock
{
    Iptables = 0,
    Nftables = 1,

    /// <summary>Not at all: the host has cut the network.</summary>
    Skip = 2,
}

/// <summary>What of an image set is not the container's but the restore's.</summary>
public sealed record CriuImageOptions
{
    public static CriuImageOptions Default { get; } = new();

    public NetworkLock NetworkLock { get; init; } = NetworkLock.Iptables;
}
