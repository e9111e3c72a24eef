using System.Runtime.InteropServices;

namespace Watari.Transfer.Wire;

/// <summary>Everything that a stream carried, counted at each end alike: the source sends its own, the destination compares.</summary>
/// <param name="Normal">Pages with bytes.</param>
/// <param name="Zero">Zero pages.</param>
/// <param name="Blobs">Blobs.</param>
/// <param name="BlobBytes">Bytes of the blobs' contents.</param>
/// <param name="Pages">The digest of the normal pages.</param>
/// <param name="Places">The digest of the zero runs.</param>
/// <param name="BlobDigest">The sum of the blobs' digests.</param>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct StreamTotals(
    long Normal, long Zero, long Blobs, long BlobBytes, PageDigest Pages, PageDigest Places, PageDigest BlobDigest)
{
    public const int Size = 80;
}
