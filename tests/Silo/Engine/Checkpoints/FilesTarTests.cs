using System.Formats.Tar;
using Watari.Containers.Tests;
using Watari.Disk;
using Watari.Disk.FileSystems;
using Watari.Silo.Engine.Checkpoints;

namespace Watari.Silo.Tests.Engine.Checkpoints;

public sealed class FilesTarTests : IDisposable
{
    private readonly FileTree _tree = new() { ["/a"] = "small" };
    private readonly MemoryStream _part = new();
    private readonly FilesTar _tar;

    public FilesTarTests() => _tar = new FilesTar(_part);

    public void Dispose() => _part.Dispose();

    [Fact]
    public void What_was_read_as_a_hole_while_the_guest_put_it_on_its_disk_is_in_the_archive()
    {
        byte[] all = new byte[300_000];
        new Random(3).NextBytes(all);
        all.AsSpan(1 << 14, 1 << 13).Clear(); // a true hole
        byte[] now = [.. all];
        now.AsSpan(70_656, 130_000).Clear(); // from within a page on
        _tree.Add("/d/large", () => now).HardLink("/d/second", "/d/large");
        Write();

        now = all;
        _tar.Settle(() => _tree.Root);

        Assert.Equal(all, Contents("d/large"));
        Assert.Equal("small"u8.ToArray(), Contents("a"));
        Assert.Equal(["./", "a", "d/", "d/large", "d/second"], Entries().Select(entry => entry.Name));
    }

    [Fact]
    public void A_file_that_has_become_longer_or_another_is_none_that_can_be_saved()
    {
        byte[] now = new byte[100];
        _tree.Add("/d/file", () => now);
        Write();

        now = new byte[101];
        Assert.Contains("d/file", Assert.Throws<DiskStructureException>(() => _tar.Settle(() => _tree.Root)).Message, StringComparison.Ordinal);
        now = new byte[100];
        _tar.Settle(() => _tree.Root);
        _tree.Remove("/d/file").Add("/d/file", () => now);
        Assert.Throws<DiskStructureException>(() => _tar.Settle(() => _tree.Root));
    }

    [Fact]
    public void A_look_that_leads_astray_is_taken_again_and_nothing_comes_twice()
    {
        int looks = 0;
        List<int> seen = [];

        FilesTar.ForEach(Look, seen.Add);

        Assert.Equal([1, 2, 3], seen);
        Assert.Equal(3, looks);
        Assert.Throws<DiskStructureException>(() => FilesTar.ForEach(() => throw new DiskStructureException("inode 7", "torn"), (int _) => { }));

        IEnumerable<int> Look()
        {
            looks++;
            for (int i = 1; i <= 3; i++) yield return i <= looks ? i : throw new DiskStructureException("inode 7", "torn");
        }
    }

    private void Write()
    {
        FilesTar.ForEach(() => _tree.Root.Tree(), file => _tar.Add(file.Path, file.Inode));
        _tar.End();
    }

    private byte[] Contents(string name)
    {
        using var copy = new MemoryStream();
        Entries().Single(entry => entry.Name == name).DataStream!.CopyTo(copy);
        return copy.ToArray();
    }

    private List<TarEntry> Entries()
    {
        _part.Position = 0;
        using var reader = new TarReader(_part, leaveOpen: true);
        List<TarEntry> entries = [];
        while (reader.GetNextEntry(copyData: true) is { } entry) entries.Add(entry);
        return entries;
    }
}
