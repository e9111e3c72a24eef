using System.IO.Hashing;

namespace Watari.Transfer.Wire;

/// <summary>The hash of a blob: of its content, weighted by the hash of its name.</summary>
internal static class BlobDigest
{
    public static PageDigest Of(ReadOnlySpan<byte> name, ReadOnlySpan<byte> content) =>
        new(unchecked((XxHash128.HashToUInt128(content) + 1) * (XxHash128.HashToUInt128(name) | 1)));
}
