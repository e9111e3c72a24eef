namespace Watari.Disk.Ext4;

/// <summary>EXT4_FEATURE_COMPAT_* (fs/ext4/ext4.h): a reader need not know them.</summary>
[Flags]
internal enum CompatFeatures : uint
{
    HasJournal = 0x4,
    SparseSuper2 = 0x200,
    FastCommit = 0x400,
}

/// <summary>EXT4_FEATURE_INCOMPAT_*: who does not know one cannot read the file system.</summary>
[Flags]
internal enum IncompatFeatures : uint
{
    Compression = 0x1,
    FileType = 0x2,
    Recover = 0x4,
    JournalDev = 0x8,
    MetaBg = 0x10,
    Extents = 0x40,
    SixtyFourBit = 0x80,
    Mmp = 0x100,
    FlexBg = 0x200,
    EaInode = 0x400,
    DirData = 0x1000,
    CsumSeed = 0x2000,
    LargeDir = 0x4000,
    InlineData = 0x8000,
    Encrypt = 0x10000,
    CaseFold = 0x20000,
}

/// <summary>EXT4_FEATURE_RO_COMPAT_*: who does not know one must not write.</summary>
[Flags]
internal enum RoCompatFeatures : uint
{
    SparseSuper = 0x1,
    BigAlloc = 0x200,
    MetadataCsum = 0x400,
}

internal static class Ext4Features
{
    /// <summary>
    /// Those that are read. Of casefold, names are compared byte by byte; of encrypt, all is read but encrypted files, each of which is refused
    /// by itself. bigalloc, a read-only one, changes nothing for a reader: extents are in blocks all the same.
    /// </summary>
    public const IncompatFeatures Read = IncompatFeatures.FileType | IncompatFeatures.Recover | IncompatFeatures.MetaBg | IncompatFeatures.Extents
        | IncompatFeatures.SixtyFourBit | IncompatFeatures.Mmp | IncompatFeatures.FlexBg | IncompatFeatures.EaInode | IncompatFeatures.CsumSeed
        | IncompatFeatures.LargeDir | IncompatFeatures.InlineData | IncompatFeatures.Encrypt | IncompatFeatures.CaseFold;

    /// <exception cref="DiskUnsupportedException">Names the features that are not known, as dumpe2fs(8) does.</exception>
    public static void Check(IncompatFeatures features)
    {
        IncompatFeatures unknown = features & ~Read;
        if (unknown == 0) return;
        var names = new List<string>();
        for (int bit = 0; bit < 32; bit++)
        {
            var feature = (IncompatFeatures)(1u << bit);
            if ((unknown & feature) != 0) names.Add(NameOf(feature));
        }

        throw new DiskUnsupportedException("ext4: a feature that cannot be read", string.Join(", ", names));
    }

    private static string NameOf(IncompatFeatures feature) => feature switch
    {
        IncompatFeatures.Compression => "compression",
        IncompatFeatures.JournalDev => "journal_dev",
        IncompatFeatures.DirData => "dirdata",
        _ => $"FEATURE_I{(int)Math.Log2((uint)feature)}",
    };
}
