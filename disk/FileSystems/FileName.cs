namespace Watari.Disk.FileSystems;

/// <summary>
/// A name: 1 to 255 bytes, which need not be text; no slash and no zero among them. As text it is escaped, so that it does nothing to a
/// terminal; the bytes are what identifies it.
/// </summary>
public readonly struct FileName : IEquatable<FileName>, IComparable<FileName>
{
    /// <summary>NAME_MAX (include/uapi/linux/limits.h).</summary>
    public const int MaxLength = 255;

    private readonly ReadOnlyMemory<byte> _bytes;

    /// <exception cref="ArgumentException">The bytes are no name; see <see cref="IsValid"/>.</exception>
    public FileName(ReadOnlyMemory<byte> bytes)
    {
        if (!IsValid(bytes.Span)) throw new ArgumentException($"\"{ByteText.Of(bytes.Span)}\" is no name: 1 to {MaxLength} bytes without slash and zero are.", nameof(bytes));
        _bytes = bytes;
    }

    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    public static bool IsValid(ReadOnlySpan<byte> bytes) => bytes.Length is > 0 and <= MaxLength && bytes.IndexOfAny((byte)'/', (byte)0) < 0;

    public bool Equals(FileName other) => Bytes.SequenceEqual(other.Bytes);

    public override bool Equals(object? obj) => obj is FileName other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes);
        return hash.ToHashCode();
    }

    /// <summary>By the values of the bytes.</summary>
    public int CompareTo(FileName other) => Bytes.SequenceCompareTo(other.Bytes);

    /// <summary>As UTF-8; what is none, or controls a terminal, and the backslash as <c>\x1b</c>, byte by byte.</summary>
    public override string ToString() => ByteText.Of(Bytes);

    public static bool operator ==(FileName left, FileName right) => left.Equals(right);

    public static bool operator !=(FileName left, FileName right) => !left.Equals(right);

    public static bool operator <(FileName left, FileName right) => left.CompareTo(right) < 0;

    public static bool operator <=(FileName left, FileName right) => left.CompareTo(right) <= 0;

    public static bool operator >(FileName left, FileName right) => left.CompareTo(right) > 0;

    public static bool operator >=(FileName left, FileName right) => left.CompareTo(right) >= 0;
}
