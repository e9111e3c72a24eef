using System.Text;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.Volumes;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>Changes of volumes, carried out on a real file system; they need root, as the agent does.</summary>
public sealed class VolumeFillerTests : IDisposable
{
    private static readonly ContainerId Books = ContainerId.Parse("books");

    private readonly string folder = Directory.CreateTempSubdirectory("watari-volume-").FullName;
    private readonly string volume;
    private readonly MemoryStream list = new();
    private readonly VolumeChangesWriter changes;

    public VolumeFillerTests()
    {
        volume = folder + "/books/_data";
        Directory.CreateDirectory(volume);
        changes = new VolumeChangesWriter(list);
        changes.Volume(Books, isEmptied: false);
    }

    public void Dispose()
    {
        list.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void Changes_of_other_volumes_are_refused_unless_somebody_else_carries_them_out()
    {
        changes.File("mine"u8, 0, isNew: true);
        changes.Volume(ContainerId.Parse("others"), isEmptied: true);
        changes.File("theirs"u8, 3, isNew: true);
        changes.Data(0, "abc"u8);
        changes.Volume(Books, isEmptied: false);
        changes.File("mine too"u8, 0, isNew: true);
        changes.End();
        Dictionary<ContainerId, string> directories = new() { [Books] = volume };
        Deadline deadline = Deadline.After(10_000);

        list.Position = 0;
        Assert.Throws<AgentException>(() => new VolumeFiller(directories).Fill(list, deadline));
        list.Position = 0;
        new VolumeFiller(directories, passesOver: true).Fill(list, deadline);

        Assert.Equal(["mine", "mine too"], Directory.EnumerateFiles(volume).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void Files_of_all_kinds_are_made_with_all_that_belongs_to_them()
    {
        changes.Directory("d"u8);
        changes.File("d/file"u8, 200_000, isNew: true);
        changes.Data(100_000, "in the middle"u8);
        changes.Attributes("d/file"u8, Attributes(0x9ed, ("user.one", "1"), ("user.two", "2")));
        changes.HardLink("second"u8, "d/file"u8);
        changes.SymbolicLink("link"u8, "/nowhere"u8);
        changes.Attributes("link"u8, Attributes(0x1ff));
        changes.Special("fifo"u8, 0x1000, 0, 0);
        changes.Special("null"u8, 0x2000, 1, 3);
        changes.Attributes("d"u8, Attributes(0x1e8));
        changes.Attributes(""u8, Attributes(0x1c0));

        Assert.Equal(12, Fill());

        Assert.Equal(
            [
                "d 750 7:8 1234567.250000000 directory", "d/file 4755 7:8 1234567.250000000 regular file", "fifo 600 0:0 fifo", "link 777 7:8 1234567.250000000 symbolic link",
                "null 600 0:0 character special file 1:3", "second 4755 7:8 1234567.250000000 regular file",
            ],
            Shell("find . -mindepth 1 | sort | cut -c3- | while read -r f; do case $f in fifo) stat -c '%n %a %u:%g %F' $f;; null) stat -c '%n %a %u:%g %F %t:%T' $f;; *) t=$(stat -c %.9Y $f); stat -c \"%n %a %u:%g $t %F\" $f;; esac; done").Split('\n'));
        byte[] bytes = File.ReadAllBytes(volume + "/d/file");
        Assert.Equal((200_000, "in the middle", 13), (bytes.Length, Encoding.ASCII.GetString(bytes, 100_000, 13), bytes.Count(one => one != 0)));
        Assert.Equal("2 700 1234567 /nowhere", Shell("echo $(stat -c %h second) $(stat -c '%a %Y' .) $(readlink link)"));
    }

    [Fact]
    public void Files_that_are_there_are_changed_where_they_are_and_others_make_way()
    {
        Shell("mkdir -p deep/er way; echo one >deep/er/file; for i in $(seq 2000); do : >way/$i; done; ln -s deep link; printf abcdef >file; ln file same; echo x >becomes; mkdir other");
        changes.File("file"u8, 5, isNew: false);
        changes.Data(1, "X"u8);
        changes.Zeroes(3, 1);
        changes.Remove("link"u8);
        changes.Remove("deep"u8);
        changes.Remove("never/was"u8[..5]);
        changes.Directory("becomes"u8);
        changes.File("way"u8, 1, isNew: true);
        changes.Directory("other"u8);

        Fill();

        Assert.Equal("becomes file other same way", Shell("echo $(ls)"));
        Assert.Equal("aXc\0e", File.ReadAllText(volume + "/same"));
        Assert.Equal("directory regular file", Shell("echo $(stat -c %F becomes) $(stat -c %F way)"));
    }

    [Fact]
    public void A_volume_that_begins_anew_is_emptied_first()
    {
        Shell("mkdir -p a/b/c; echo >a/b/c/d; echo >x");
        changes.Volume(Books, isEmptied: true);
        changes.Directory("new"u8);

        Fill();

        Assert.Equal("new", Shell("ls -A"));
    }

    [Fact]
    public void Attributes_of_a_link_are_the_links_own()
    {
        File.WriteAllText(folder + "/outside", "");
        changes.SymbolicLink("link"u8, "../../outside"u8);
        changes.Attributes("link"u8, Attributes(0x3f));

        Fill();

        Assert.Equal("644 0:0", Shell("stat -c '%a %u:%g' ../../outside"));
    }

    [Fact]
    public void Attributes_that_a_file_should_not_have_are_taken_away()
    {
        changes.File("file"u8, 0, isNew: true);
        changes.Attributes("file"u8, Attributes(0x1a4, ("user.one", "1"), ("user.two", "2")));
        changes.Attributes("file"u8, Attributes(0x1a4, ("user.two", "")));

        Fill();

        using VolumeTree tree = VolumeTree.Open(volume);
        Assert.Equal("user.two", Shell("python3 -c 'import os; print(*os.listxattr(\"file\"))'"));
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("d/../../../outside")]
    [InlineData("/outside")]
    [InlineData("d//outside")]
    [InlineData("d/./outside")]
    [InlineData("link/outside")]
    [InlineData("chain/outside")]
    [InlineData("file/outside")]
    [InlineData("")]
    public void Nothing_outside_the_volume_is_touched_whatever_a_path_says(string path)
    {
        Shell("mkdir d; ln -s ../.. link; ln -s d chain; echo inside >file");
        File.WriteAllText(folder + "/outside", "kept");
        byte[] bytes = Encoding.ASCII.GetBytes(path);
        Action<VolumeChangesWriter>[] ways =
        [
            list => list.File(bytes, 4, isNew: true),
            list => list.File(bytes, 4, isNew: false),
            list => list.SymbolicLink(bytes, "x"u8),
            list => list.Special(bytes, 0x1000, 0, 0),
            list => list.HardLink(bytes, "file"u8),
            list => list.Remove(bytes),
            .. path.Length == 0 ? Array.Empty<Action<VolumeChangesWriter>>() : [list => list.HardLink("mine"u8, bytes), list => list.Directory(bytes), list => list.Attributes(bytes, Attributes(0))],
        ];
        foreach (Action<VolumeChangesWriter> way in ways)
        {
            list.SetLength(0);
            changes.Volume(Books, isEmptied: false);
            way(changes);

            Assert.Equal(AgentErrorCode.CorruptData, Assert.Throws<AgentException>(() => Fill()).Code);
        }

        Assert.Equal("books outside", Shell("echo $(ls ../..)"));
        Assert.Equal("kept 644", Shell("echo $(cat ../../outside) $(stat -c %a ../../outside)"));
        Assert.Equal("inside", Shell("cat file"));
    }

    [Fact]
    public void A_link_that_was_made_is_not_gone_through_either()
    {
        changes.SymbolicLink("d"u8, Encoding.UTF8.GetBytes(folder));
        changes.File("d/new"u8, 1, isNew: true);

        Assert.Equal(AgentErrorCode.CorruptData, Assert.Throws<AgentException>(() => Fill()).Code);
        Assert.False(File.Exists(folder + "/new"));
    }

    [Fact]
    public void What_is_no_list_of_changes_is_refused()
    {
        AssertRefused(_ => { }, "the first change is of no volume", list => list.Directory("d"u8));
        AssertRefused(_ => { }, "volume others is none of the container's", list => list.Volume(ContainerId.Parse("others"), isEmptied: true));
        AssertRefused(_ => { }, "data come that are of no file", list => list.Volume(Books, false), list => list.Data(0, "x"u8));
        AssertRefused(_ => { }, "data come that are of no file", list => list.Volume(Books, false), list => list.File("f"u8, 1, true), list => list.Directory("d"u8), list => list.Zeroes(0, 1));
        AssertRefused(_ => { }, "no such file", list => list.Volume(Books, false), list => list.File("none"u8, 1, false));
        AssertRefused(bytes => bytes.SetLength(bytes.Length - 1), "ends in the middle", list => list.Volume(Books, false));
        AssertRefused(bytes => Poke(bytes, 0, 99), "no change of kind 99", list => list.Volume(Books, false));
        AssertRefused(bytes => Poke(bytes, 4, 0x7f), "is none", list => list.Volume(Books, false));
        AssertRefused(bytes => Poke(bytes, 5, 0xff), "shorter than what it says", list => list.Remove("abc"u8));
        AssertRefused(bytes => Poke(bytes, 5, 1), "longer than what it says", list => list.Remove("abc"u8));
        AssertRefused(bytes => Poke(bytes, 12, 0x80), "is negative", list => list.Data(7, "abc"u8));
        AssertRefused(bytes => Poke(bytes, 6, (byte)'/'), "no container id", list => list.Volume(Books, false));
        Assert.Throws<FormatException>(() => changes.Data(0, new byte[VolumeChangesWriter.MostBytes]));

        static void Poke(MemoryStream bytes, int at, byte value)
        {
            bytes.Position = at;
            bytes.WriteByte(value);
        }
    }

    [Fact]
    public void A_placeholder_keeps_a_volume_from_being_taken_for_empty_and_leaves_no_trace()
    {
        Shell("touch -d @1234567.25 .");
        using VolumeTree tree = VolumeTree.Open(volume);
        Assert.True(tree.IsEmpty);

        using (tree.Mark(".watari-job"))
        {
            Assert.False(tree.IsEmpty);
        }

        Assert.True(tree.IsEmpty);
        Assert.Equal("1234567.250000000", Shell("stat -c %.9Y ."));
    }

    private static byte[] Attributes(ushort permissions, params (string Name, string Value)[] extended) => VolumeChangesWriter.Encode(new VolumeFileAttributes
    {
        Permissions = permissions,
        Uid = 7,
        Gid = 8,
        Seconds = 1234567,
        Nanoseconds = 250_000_000,
        Extended = [.. extended.Select(one => ((ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(one.Name), (ReadOnlyMemory<byte>)Encoding.ASCII.GetBytes(one.Value)))],
    });

    private void AssertRefused(Action<MemoryStream> spoil, string says, params Action<VolumeChangesWriter>[] written)
    {
        list.SetLength(0);
        foreach (Action<VolumeChangesWriter> write in written)
            write(changes);
        spoil(list);
        AgentException refused = Assert.Throws<AgentException>(() => Fill(withEnd: written.Length > 1));
        Assert.Equal(AgentErrorCode.CorruptData, refused.Code);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    private long Fill(bool withEnd = true)
    {
        if (withEnd)
            changes.End();
        list.Position = 0;
        return new VolumeFiller(new Dictionary<ContainerId, string> { [Books] = volume }).Fill(list, Deadline.After(60_000));
    }

    private string Shell(string command)
    {
        (int code, string output) = ChildProcess.Run("/bin/sh", ["sh", "-c", $"cd '{volume}' && {command}"], ["PATH=/usr/bin:/bin"], Deadline.After(60_000));
        Assert.True(code == 0, output);
        return output.TrimEnd('\n');
    }
}
