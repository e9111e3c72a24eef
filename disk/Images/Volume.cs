namespace Watari.Disk.Images;

/// <summary>How a disk is divided.</summary>
public enum PartitionScheme
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>By a master boot record and its chain of extended ones.</summary>
    Mbr,

    /// <summary>By a GUID partition table.</summary>
    Gpt,
}

/// <summary>A part of a disk that may hold a file system: a partition, or the whole disk where it has none.</summary>
public sealed class Volume : IDiskImage
{
    private readonly IDiskImage _disk;

    internal Volume(IDiskImage disk, PartitionScheme scheme, int number, long offset, long length, string type)
    {
        _disk = disk;
        Scheme = scheme;
        Number = number;
        Offset = offset;
        Length = length;
        Type = type;
    }

    public PartitionScheme Scheme { get; }

    /// <summary>As Linux counts: 1 is the first entry of the table, 5 the first logical partition. 0 is the whole disk.</summary>
    public int Number { get; }

    /// <summary>Where it begins on the disk, in bytes.</summary>
    public long Offset { get; }

    public long Length { get; }

    /// <summary>The table's word for what is in it: a type of a byte, as in <c>0x83</c>, or a GUID. Empty for the whole disk.</summary>
    public string Type { get; }

    public void Read(long offset, Span<byte> destination)
    {
        DiskRange.Check(ToString(), Length, offset, destination.Length);
        _disk.Read(Offset + offset, destination);
    }

    public override string ToString() => Number == 0 ? "the whole disk" : $"partition {Number}";
}
