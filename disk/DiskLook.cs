using Watari.Disk.FileSystems;
using Watari.Disk.Images;

namespace Watari.Disk;

/// <summary>
/// Looks at the disk of a VM that runs. Its guest writes meanwhile: what is read may be of different moments, and may lead astray; such a look
/// is taken again, on the file system as it is then.
/// <code>
/// byte[] hosts = DiskLook.Take(volume, static files => files.Root.Find("/etc/hosts"u8).ReadAll(limit: 1 &lt;&lt; 20));
/// </code>
/// </summary>
public static class DiskLook
{
    /// <summary>What the look sees, at the first time that it leads nowhere astray.</summary>
    /// <param name="look">Is given the file system for this look alone, and keeps nothing of one that failed.</param>
    /// <exception cref="DiskStructureException">Each of <see cref="DiskLimits.Attempts"/> looks led astray; this is where the last one did.</exception>
    /// <exception cref="DiskException">For other reasons, at once.</exception>
    public static T Take<T>(IDiskImage volume, Func<IFileSystem, T> look, DiskLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(look);
        limits ??= DiskLimits.Default;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return look(Ext4.Ext4FileSystem.Open(volume, limits));
            }
            catch (DiskStructureException) when (attempt < limits.Attempts)
            {
                // It tore, or is damaged: then it is so the next time, too.
            }
        }
    }
}
