using System.IO.Compression;
using ZstdSharp;

namespace Watari.Checkpoint.Archives;

/// <summary>How an archive is packed: podman's words.</summary>
public enum ArchiveCompression
{
    None,
    Gzip,
    Zstd,
}

internal static class ArchiveCompressions
{
    /// <summary>Bytes at the start of a file that tell its packing.</summary>
    public const int MagicBytes = 4;

    private const int ZstdLevel = 3; // zstd's own default

    public static ArchiveCompression Of(ReadOnlySpan<byte> start) => start switch
    {
        [0x1f, 0x8b, ..] => ArchiveCompression.Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => ArchiveCompression.Zstd,
        _ => ArchiveCompression.None,
    };

    /// <summary>A stream that packs into another, which stays open; where nothing is packed, that one itself.</summary>
    public static Stream Pack(this ArchiveCompression compression, Stream destination) => compression switch
    {
        ArchiveCompression.Gzip => new GZipStream(destination, CompressionLevel.Fastest, leaveOpen: true),
        ArchiveCompression.Zstd => new CompressionStream(destination, ZstdLevel, leaveOpen: true),
        _ => destination,
    };

    /// <summary>A stream that unpacks another, which stays open; where nothing is packed, that one itself.</summary>
    public static Stream Unpack(this ArchiveCompression compression, Stream source) => compression switch
    {
        ArchiveCompression.Gzip => new GZipStream(source, CompressionMode.Decompress, leaveOpen: true),
        ArchiveCompression.Zstd => new DecompressionStream(source, checkEndOfStream: true, leaveOpen: true),
        _ => source,
    };
}
