using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Hostile;

/// <summary>A little file system with some of each kind of file, read whole in less than a millisecond, to be spoilt.</summary>
internal sealed class LittleVolume
{
    /// <summary>Formats, as mke2fs(8) makes them; those with the word <c>journal</c> have one that was not replayed.</summary>
    public static IReadOnlyList<string> Formats { get; } =
    [
        "-t ext4 -b 1024 -O ^metadata_csum,^has_journal",
        "-t ext4 -b 1024 -O ^metadata_csum,^64bit,^has_journal,^extent",
        "-t ext4 -b 1024 -O ^metadata_csum,^has_journal,inline_data",
        "-t ext4 -b 4096 -O ^has_journal",
        "-t ext2 -b 1024 -I 128 -O ^filetype",
        "-t ext4 -b 1024 -O ^metadata_csum,meta_bg,^resize_inode,^has_journal -g 256",
        "-t ext4 -b 1024 -O ^metadata_csum journal",
        "-t ext4 -b 1024 -O ^metadata_csum,^64bit journal -c -v 3",
    ];

    /// <summary>With these a walk that goes astray ends within milliseconds.</summary>
    public static DiskLimits TightLimits { get; } = DiskLimits.Default with
    {
        DirectoryBlocks = 256,
        DirectoryEntries = 4096,
        TreeDepth = 32,
        TreeEntries = 4096,
        Runs = 1024,
        JournalBlocks = 4096,
        JournalRevokes = 4096,
        JournalBytes = 4 << 20,
        AttributesBytes = 1 << 17,
        CachedBytes = 1 << 20,
        Partitions = 32,
        Attempts = 2,
        TornPatience = TimeSpan.Zero,
    };

    public LittleVolume(string format)
    {
        Format = format;
        string[] parts = format.Split(" journal");
        using TestDirectory source = TestDirectory.Filled("little");
        using TestVolume volume = TestVolume.Make(parts.Length == 2 ? 4 : 1, $"-N 256 {parts[0]}", source.Path);
        volume.Repair("-fyD");
        if (parts.Length == 2) LeaveInJournal(volume, source, parts[1]);
        Image = new SpoiltImage(File.ReadAllBytes(volume.Path));
        ReadEverything(TightLimits);
        Image.StopRemembering();
    }

    public string Format { get; }

    public SpoiltImage Image { get; }

    /// <summary>All that can be asked of each file; something of it, so that nothing is left out as unused.</summary>
    public long ReadEverything(DiskLimits limits)
    {
        long sum = 0;
        byte[] buffer = new byte[16 << 10];
        foreach (Volume volume in Volumes.Of(Image, limits))
        {
            var files = Ext4FileSystem.Open(volume, limits);
            sum += files.Journal.Blocks + files.Label.Length;
            foreach (TreeFile file in files.Root.Tree(limits)) sum += ReadFile(file.Inode, buffer);
            if (files.Root.TryFind("/link"u8, out IInode? linked)) sum += linked.Status.Size;
        }

        return sum;
    }

    private static long ReadFile(IInode file, byte[] buffer)
    {
        FileStatus status = file.Status;
        long sum = status.Mtime.Seconds + status.Rdev.Minor + file.ReadExtendedAttributes().Count;
        if (status.Type == FileType.SymbolicLink) return sum + file.ReadLink().Length;
        if (status.Type != FileType.Regular) return sum;
        for (long at = 0; at < 8L * buffer.Length && file.Read(at, buffer) is > 0 and int count; at += count) sum += buffer[0];
        if (status.Size > 0) sum += file.Read(status.Size - 1, buffer);
        int ranges = 0;
        for (long at = 0; ranges < 256 && file.TryFindData(at, out FileRange data); at = data.End) ranges++;
        return sum + ranges;
    }

    /// <summary>Blocks as they are, and a revoked one, in transactions of a journal that is not replayed.</summary>
    private static void LeaveInJournal(TestVolume volume, TestDirectory source, string journal)
    {
        byte[] image = File.ReadAllBytes(volume.Path);
        var files = volume.FileSystem();
        ulong[] blocks = [GroupDescriptor.InodeTable(files.Blocks, files.SuperBlock, 0).Value, ((Ext4Inode)files.Root).Map(new FileBlock(0)).First.Value, 1];
        string commands = $"jo {journal}\n";
        foreach (ulong block in blocks)
        {
            string path = Path.Combine(source.Path, $"block-{block}");
            File.WriteAllBytes(path, image[(int)(block * 1024)..(int)(block * 1024 + 1024)]);
            commands += $"jw -b {block} {path}\n";
        }

        volume.Debugfs($"{commands}jw -r 5,6,7\njc\n", write: true);
    }
}
