namespace Watari.Disk.Images;

/// <summary>
/// The bytes of a virtual disk, as its VM sees them: a file, an export of a running VM, a part of another. Any thread may read. The disk of a
/// running VM changes while it is read.
/// </summary>
public interface IDiskImage
{
    /// <summary>In bytes.</summary>
    long Length { get; }

    /// <summary>Fills the destination with the bytes from an offset on.</summary>
    /// <exception cref="DiskImageException">They do not all lie within the disk, or are not to be had.</exception>
    void Read(long offset, Span<byte> destination);
}
