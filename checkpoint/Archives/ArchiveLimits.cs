namespace Watari.Checkpoint.Archives;

/// <summary>Bounds on what is read of an archive, which anyone may have made.</summary>
public sealed record ArchiveLimits
{
    public static ArchiveLimits Default { get; } = new();

    public int Entries { get; init; } = 100_000;

    /// <summary>Characters of all their names together, held in memory.</summary>
    public long NameCharacters { get; init; } = 16 << 20;

    /// <summary>Bytes of all entries together, unpacked.</summary>
    public long UnpackedBytes { get; init; } = 1L << 40;

    /// <summary>How many bytes may come out of one: a page of zeroes gives a thousand.</summary>
    public long Ratio { get; init; } = 1000;

    /// <summary>Bytes that come out before <see cref="Ratio"/> is asked for.</summary>
    public long RatioFree { get; init; } = 64L << 20;

    /// <summary>Bytes of one JSON document, held in memory.</summary>
    public int DocumentBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of a name or of the attributes before an entry, held in memory.</summary>
    public int HeaderBytes { get; init; } = 1 << 20;
}
