namespace Watari.Checkpoint.Images;

/// <summary>Bounds on what is read from an image set, which anyone may have written.</summary>
public sealed record CriuImageLimits
{
    public static CriuImageLimits Default { get; } = new();

    /// <summary>Files of a set.</summary>
    public int Files { get; init; } = 100_000;

    /// <summary>Bytes of one image other than pages.</summary>
    public long ImageBytes { get; init; } = 256L << 20;

    /// <summary>Bytes of all images other than pages.</summary>
    public long SetBytes { get; init; } = 1L << 30;

    /// <summary>Bytes of one message.</summary>
    public int MessageBytes { get; init; } = 16 << 20;

    /// <summary>Entries of one image.</summary>
    public int Entries { get; init; } = 4 << 20;

    /// <summary>Bytes of a file that an image holds compressed.</summary>
    public long UnpackedBytes { get; init; } = 1L << 30;

    /// <summary>Files of one tmpfs.</summary>
    public int TmpfsEntries { get; init; } = 100_000;
}
