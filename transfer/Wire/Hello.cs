using System.Runtime.InteropServices;

namespace Watari.Transfer.Wire;

/// <summary>The first 64 bytes of every stream, little-endian like all of the protocol.</summary>
/// <remarks>
/// The source speaks: hello; then, on stream 0, the blobs; then batches of pages; then the end of the stream. The
/// destination answers twice with a <see cref="Verdict"/>: to the hello, and when all streams have ended and everything
/// that arrived is what was sent (or at once when it is not).
/// </remarks>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct Hello(
    ulong Magic, ushort Version, ushort StreamIndex, ushort StreamCount, ushort Reserved,
    Guid Job, long Epoch, long Pages, long BlobBytes, int Blobs, int Reserved2)
{
    /// <summary>"WATARIpg" in memory order.</summary>
    public const ulong ExpectedMagic = 0x6770_4952_4154_4157;

    public const ushort CurrentVersion = 1;
}
