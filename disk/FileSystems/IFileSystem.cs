namespace Watari.Disk.FileSystems;

/// <summary>A tree of files that is read and never written: of a disk, of a guest's memory, or several laid over one another.</summary>
public interface IFileSystem
{
    /// <summary>Its first directory.</summary>
    IInode Root { get; }
}
