namespace Watari.Disk.Images;

/// <summary>The bounds of reads.</summary>
internal static class DiskRange
{
    /// <exception cref="DiskImageException">Bytes from the offset on, of that length, do not all lie within the disk.</exception>
    public static void Check(string disk, long diskLength, long offset, int length)
    {
        if (offset < 0 || offset > diskLength - length) throw new DiskImageException($"{disk}: {length} bytes at {offset} are behind its end; it has {diskLength}.");
    }
}
