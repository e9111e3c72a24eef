using Microsoft.Win32.SafeHandles;

namespace Watari.Disk.Images;

/// <summary>A raw disk in a file; its holes are zeroes. Opened without a lock: the file of a running VM may be read.</summary>
public sealed class RawDiskImage : IDiskImage, IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly string _path;

    private RawDiskImage(SafeFileHandle file, string path)
    {
        _file = file;
        _path = path;
        Length = RandomAccess.GetLength(file);
    }

    public long Length { get; }

    /// <exception cref="DiskImageException">There is no such file, or it must not be read.</exception>
    public static RawDiskImage Open(string path)
    {
        try
        {
            return new RawDiskImage(File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new DiskImageException($"The disk {path} cannot be opened: {failure.Message}", failure);
        }
    }

    public void Read(long offset, Span<byte> destination)
    {
        DiskRange.Check(_path, Length, offset, destination.Length);
        try
        {
            while (!destination.IsEmpty)
            {
                int count = RandomAccess.Read(_file, destination, offset);
                if (count == 0) throw new DiskImageException($"{_path}: was cut off at {offset} while it was read.");
                destination = destination[count..];
                offset += count;
            }
        }
        catch (IOException failure)
        {
            throw new DiskImageException($"{_path}: cannot be read at {offset}: {failure.Message}", failure);
        }
    }

    public void Dispose() => _file.Dispose();
}
