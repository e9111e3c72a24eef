using Watari.Disk.Ext4;
using Watari.Disk.Images;

namespace Watari.Disk.Tests.Corpus;

/// <summary>A file system in a file of its own, gone with the test.</summary>
internal sealed class TestVolume : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("watari-disk-");
    private readonly List<RawDiskImage> _open = [];

    /// <summary>Whether this machine can mount a file; a container often cannot.</summary>
    public static bool CanMount { get; } = TryMount();

    /// <summary>The file with the file system.</summary>
    public string Path => System.IO.Path.Combine(_directory.FullName, "disk.raw");

    /// <summary>Made by mke2fs(8).</summary>
    /// <param name="mebibytes">Of the volume.</param>
    /// <param name="arguments">More of mke2fs, parted by spaces.</param>
    /// <param name="contents">A directory that it holds a copy of.</param>
    public static TestVolume Make(int mebibytes, string arguments, string? contents = null)
    {
        var volume = new TestVolume();
        using (FileStream file = File.Create(volume.Path)) file.SetLength((long)mebibytes << 20);
        Tool.Run("mke2fs", ["-q", "-F", .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries), .. contents is null ? (string[])[] : ["-d", contents], volume.Path]);
        return volume;
    }

    /// <summary>Has the kernel mount it, and does something there.</summary>
    public void Mounted(string options, Action<string> action)
    {
        string place = System.IO.Path.Combine(_directory.FullName, "mounted");
        Directory.CreateDirectory(place);
        Tool.Run("mount", "-o", $"loop,{options}", Path, place);
        try
        {
            action(place);
        }
        finally
        {
            Tool.Run("umount", place);
        }
    }

    /// <summary>What the kernel sees in it.</summary>
    public string[] AsKernel()
    {
        string[] lines = [];
        Mounted("ro,noatime", place => lines = Describe(place));
        return lines;
    }

    public static string[] Describe(string directory) => Tool.Lines(Tool.Run("python3", Tool.Script("describe.py"), directory));

    public RawDiskImage Open()
    {
        var image = RawDiskImage.Open(Path);
        _open.Add(image);
        return image;
    }

    /// <summary>To write into it, also while it is read.</summary>
    public FileStream OpenToSpoil() => new(Path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

    public Ext4FileSystem FileSystem(DiskLimits? limits = null) => Ext4FileSystem.Open(Open(), limits);

    /// <summary>Commands of debugfs(8), one a line; what it prints.</summary>
    public string Debugfs(string commands, bool write = false)
    {
        string script = System.IO.Path.Combine(_directory.FullName, "commands");
        File.WriteAllText(script, commands);
        return Tool.Run("debugfs", [.. write ? (string[])["-w"] : [], "-f", script, Path]);
    }

    /// <summary>A copy of it, as it is now.</summary>
    public TestVolume Copy()
    {
        var copy = new TestVolume();
        Tool.Run("cp", "--sparse=always", Path, copy.Path);
        return copy;
    }

    /// <summary>As e2fsck(8) leaves it: exit code 1 is that something was to be done.</summary>
    public TestVolume Repair(string options = "-fy")
    {
        Tool.Run("e2fsck", [options, Path], [0, 1]);
        return this;
    }

    public void Dispose()
    {
        foreach (RawDiskImage image in _open) image.Dispose();
        _directory.Delete(recursive: true);
    }

    private static bool TryMount()
    {
        try
        {
            using TestVolume volume = Make(2, "-t ext2");
            volume.Mounted("ro", static _ => { });
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
