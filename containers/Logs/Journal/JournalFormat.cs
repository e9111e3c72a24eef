namespace Watari.Containers.Logs.Journal;

/// <summary>HEADER_INCOMPATIBLE_* of journal-def.h.</summary>
[Flags]
internal enum JournalFeatures : uint
{
    CompressedXz = 1,
    CompressedLz4 = 2,
    KeyedHash = 4,
    CompressedZstd = 8,
    Compact = 16,
    Known = CompressedXz | CompressedLz4 | KeyedHash | CompressedZstd | Compact,
}

/// <summary>OBJECT_* of journal-def.h.</summary>
internal enum JournalObject : byte
{
    Data = 1,
    Entry = 3,
    EntryArray = 6,
}

/// <summary>OBJECT_COMPRESSED_* of journal-def.h.</summary>
[Flags]
internal enum JournalCompression : byte
{
    None = 0,
    Xz = 1,
    Lz4 = 2,
    Zstd = 4,
}
