using Google.Protobuf;

namespace Watari.Checkpoint.Images;

/// <summary>What stands before the first entry of an image (criu/include/magic.h).</summary>
public enum CriuImageFraming
{
    /// <summary>The common magic, then the kind's own.</summary>
    Common,

    /// <summary>Only the kind's own magic: the inventory.</summary>
    Bare,

    /// <summary>The service magic, then the kind's own: files beside the images.</summary>
    Service,

    /// <summary>No magic and no entries: bytes.</summary>
    Raw,
}

/// <summary>How the number of an image is written into its name.</summary>
public enum CriuImageNumber
{
    None,
    Decimal,
    Hexadecimal,
}

/// <summary>One kind of image: its name, its magic, the messages in it, and how many raw bytes follow each.</summary>
public sealed class CriuImageKind
{
    public const uint CommonMagic = 0x54564319;
    public const uint ServiceMagic = 0x55105940;

    public required string Stem { get; init; }
    public CriuImageNumber Number { get; init; }
    public uint Magic { get; init; }
    public CriuImageFraming Framing { get; init; }
    public string Extension { get; init; } = ".img";

    /// <summary>Parser of the first entry, where it differs from the others.</summary>
    public MessageParser? Head { get; init; }

    /// <summary>Parser of each entry; none for a raw image.</summary>
    public MessageParser? Parser { get; init; }

    /// <summary>Bytes that follow a message; none where none do. <see cref="RestOfImage"/>: all that are left.</summary>
    public Func<IMessage, long>? PayloadLength { get; init; }

    public const long RestOfImage = -1;

    public string FileName() => Number == CriuImageNumber.None
        ? Stem + Extension
        : throw new InvalidOperationException($"An image of the kind {Stem} has a number.");

    public string FileName(ulong number) => Number switch
    {
        CriuImageNumber.Decimal => $"{Stem}-{number}{Extension}",
        CriuImageNumber.Hexadecimal => $"{Stem}-{number:x}{Extension}",
        _ => throw new InvalidOperationException($"An image of the kind {Stem} has no number."),
    };

    /// <summary>Whether <paramref name="fileName"/> names an image of this kind, and its number (0 where it has none).</summary>
    public bool TryMatch(string fileName, out ulong number)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        number = 0;
        if (!fileName.EndsWith(Extension, StringComparison.Ordinal))
            return false;
        ReadOnlySpan<char> name = fileName.AsSpan(0, fileName.Length - Extension.Length);
        if (Number == CriuImageNumber.None)
            return name.SequenceEqual(Stem);
        if (name.Length < Stem.Length + 2 || !name.StartsWith(Stem, StringComparison.Ordinal) || name[Stem.Length] != '-')
            return false;
        return ulong.TryParse(
            name[(Stem.Length + 1)..],
            Number == CriuImageNumber.Hexadecimal ? System.Globalization.NumberStyles.AllowHexSpecifier : System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture,
            out number);
    }

    public override string ToString() => Stem;
}
