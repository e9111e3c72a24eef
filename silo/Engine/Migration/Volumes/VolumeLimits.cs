namespace Watari.Silo.Engine.Migration.Volumes;

/// <summary>Bounds on what a guest's volumes can take of this host while they are copied.</summary>
internal sealed record VolumeLimits
{
    public static VolumeLimits Default { get; } = new();

    /// <summary>Bytes of memory for what a job knows of its destination's volumes: 16 for each block of 64 KiB, and the names. So much is enough for 500 GiB.</summary>
    public long KnownBytes { get; init; } = 256L << 20;

    /// <summary>Bytes of files, holes counted, that one pass reads.</summary>
    public long ReadBytes { get; init; } = long.MaxValue;
}

/// <summary>Memory that a job may use, and what is left of it.</summary>
internal sealed class VolumeMemory(long most)
{
    public long Left { get; private set; } = most;

    /// <summary>For what is read at once; volumes are read one after another.</summary>
    public byte[] Piece { get; } = new byte[VolumeCopy.PieceBytes];

    /// <param name="bytes">Below zero: they are given back.</param>
    /// <returns>False: there is not so much left, and none is taken.</returns>
    public bool TryTake(long bytes)
    {
        if (bytes > Left) return false;
        Left -= bytes;
        return true;
    }
}
