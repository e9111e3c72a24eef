using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using Watari.Containers.Logs;
using Watari.Containers.Logs.Journal;
using Watari.Disk;
using Watari.Disk.FileSystems;
using ZstdSharp;

namespace Watari.Containers.Tests.Logs.Journal;

/// <summary>What a guest may write into its journal, to whoever reads it.</summary>
public sealed class HostileJournalTests
{
    private const int Lines = 156; // of the container, by root, in the formats

    private static readonly byte[] s_container = Encoding.ASCII.GetBytes($"CONTAINER_ID_FULL={Journals.A}");

    [Theory]
    [InlineData("compact")]
    [InlineData("regular")]
    public void Arrays_that_lead_back_are_damage(string format)
    {
        byte[] bytes = Copy(format);
        Put(bytes, Array(bytes) + 16, (ulong)Array(bytes));

        Assert.Equal((0, 1), Read(bytes));
    }

    [Fact]
    public void A_chain_of_hashes_that_leads_back_is_damage()
    {
        byte[] bytes = Copy("regular");
        int datum = Find(bytes, s_container);
        bytes[datum + 16] ^= 1; // its hash: it is not found, and what comes next is looked at
        Put(bytes, datum + 24, (ulong)datum);

        Assert.Equal((0, 1), Read(bytes));
    }

    [Theory]
    [InlineData(ulong.MaxValue, Lines)]
    [InlineData(1ul << 62, Lines)]
    [InlineData(3, 3)]
    [InlineData(0, 0)]
    public void A_count_of_entries_that_is_a_lie_ends_with_the_arrays(ulong count, int expected)
    {
        byte[] bytes = Copy("regular");
        Put(bytes, Find(bytes, s_container) + 56, count);

        Assert.Equal(expected, Read(bytes).Entries);
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData((8 << 20) - 8)]
    [InlineData(1ul << 40)]
    public void An_entry_that_is_said_to_be_where_none_can_be_is_passed_over(ulong offset)
    {
        byte[] bytes = Copy("regular");
        Put(bytes, Array(bytes) + 24, offset);

        Assert.Equal((Lines - 1, 1), Read(bytes));
    }

    [Theory]
    [InlineData(8, ulong.MaxValue)]
    [InlineData(8, 1ul << 40)]
    [InlineData(8, 0)]
    [InlineData(8, 63)]
    [InlineData(8, 7 << 20)]
    [InlineData(16, 0)]
    [InlineData(24, ulong.MaxValue)]
    public void An_entry_of_a_size_or_time_that_cannot_be_is_passed_over(int field, ulong value)
    {
        byte[] bytes = Copy("regular");
        Put(bytes, (int)Word(bytes, Array(bytes) + 24) + field, value);

        Assert.Equal((Lines - 1, 1), Read(bytes));
    }

    [Fact]
    public void What_would_unpack_to_too_much_is_passed_over()
    {
        byte[] text = [.. "MESSAGE="u8, .. Enumerable.Repeat((byte)'x', 3000), (byte)'\n'];
        byte[] said = Copy("regular"), kept = Copy("regular");
        int payload = Find(said, text) + 64;
        // A frame that tells a size of 1 TiB.
        ((byte[])[0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0]).CopyTo(said, payload);
        // A frame that tells eight bytes and unpacks to more.
        using var zstd = new Compressor();
        byte[] more = zstd.Wrap(new byte[200]).ToArray();
        Assert.Equal([0x28, 0xb5, 0x2f, 0xfd, 0x20, 200], more[..6]);
        more[5] = 8;
        more.CopyTo(kept, payload);

        Assert.Equal((Lines - 1, 1), Read(said));
        Assert.Equal((Lines - 1, 1), Read(kept));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void What_is_packed_as_this_does_not_unpack_is_told(byte packing)
    {
        byte[] bytes = Copy("regular");
        bytes[Find(bytes, [.. "MESSAGE="u8, .. Enumerable.Repeat((byte)'x', 3000), (byte)'\n']) + 1] = packing;

        Assert.Equal((Lines - 1, 1), Read(bytes));
    }

    [Fact]
    public void A_format_that_is_newer_is_refused()
    {
        byte[] bytes = Copy("compact");
        bytes[12] |= 0x20;

        Assert.Contains("0x20", Assert.Throws<DiskUnsupportedException>(() => Read(bytes)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(88, 0)]
    [InlineData(88, ulong.MaxValue)]
    [InlineData(96, ulong.MaxValue)]
    [InlineData(104, ulong.MaxValue)]
    [InlineData(112, ulong.MaxValue)]
    [InlineData(112, 1ul << 40)]
    public void A_header_that_cannot_be_is_a_damaged_file_beside_which_the_others_are_read(int field, ulong value)
    {
        byte[] bytes = Copy("regular");
        Put(bytes, field, value);
        FileTree tree = Journals.Tree("kept").Add($"{Journals.Folder}/system@x.journal", bytes).Add($"{Journals.Folder}/system@y.journal", [.. "no journal"u8]);

        LogPiece piece = Journals.Podman(tree).Read(default);

        Assert.Equal(("0 1 2 3 4 5 6 7 8 9", 2), (Journals.Numbers(piece), piece.Damaged));
    }

    [Fact]
    public void Of_a_file_that_is_cut_off_what_is_left_is_read()
    {
        byte[] bytes = Copy("compact");
        int end = System.Array.FindLastIndex(bytes, value => value != 0) + 1;
        int before = 0;
        foreach (int length in Enumerable.Range(0, 65).Select(step => (int)((long)end * step / 64)))
        {
            int entries = Read(bytes[..length]).Entries;
            Assert.True(entries >= before || entries == 0, $"{entries} after {before}");
            before = entries;
        }

        Assert.Equal(Lines, before);
    }

    [Fact]
    public void What_lies_behind_the_end_of_a_file_that_has_grown_since_is_a_reason_to_look_again()
    {
        byte[] bytes = Copy("regular");
        JournalLog log = Journals.Podman(Journals.Alone(bytes));
        Put(bytes, Array(bytes) + 16, (ulong)bytes.Length + 64);
        Put(bytes, 96, Word(bytes, 96) + (8 << 20));

        Assert.ThrowsAny<DiskStructureException>(() => log.Read(default));
    }

    [Fact]
    public void Of_a_file_full_of_damage_the_rest_is_passed_over()
    {
        byte[] bytes = Copy("regular");
        Put(bytes, Find(bytes, s_container) + 56, uint.MaxValue);
        for (int array = Array(bytes); array != 0; array = (int)Word(bytes, array + 16)) bytes.AsSpan(array + 24, (int)Word(bytes, array + 8) - 24).Fill(0xff);
        LogPiece piece = Journals.Podman(Journals.Alone(bytes)).Read(default);

        Assert.Equal((1, 100, true), (piece.Entries.Count, piece.Damaged, piece.IsLast));
        Assert.Equal(default, Journals.Podman(Journals.Alone(bytes)).Tail(5));
    }

    [Theory]
    [InlineData("kept", 18_000, 1)]
    [InlineData("again", 1000, 2)]
    [InlineData("formats", 1000, 3)]
    public void Whatever_is_changed_in_it_gives_entries_or_a_disks_error(string archive, int times, int seed)
    {
        var random = new Random(seed);
        FileTree tree = new();
        List<(byte[] Bytes, int[] Used)> files = [];
        foreach ((string path, byte[] original) in Journals.Files(archive))
        {
            byte[] bytes = [.. original];
            tree.Add(archive == "formats" ? $"{Journals.Folder}/system@{path}" : $"/{path}", bytes);
            files.Add((bytes, [.. Enumerable.Range(0, bytes.Length / 8).Where(word => Word(bytes, word * 8) != 0)]));
        }

        var watch = Stopwatch.StartNew();
        TimeSpan longest = default;
        for (int time = 0; time < times; time++)
        {
            (byte[] bytes, int[] used) = files[random.Next(files.Count)];
            List<(int At, ulong Was)> changed = [];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                int at = used[random.Next(used.Length)] * 8;
                changed.Add((at, Word(bytes, at)));
                Put(bytes, at, random.Next(6) switch
                {
                    0 => Word(bytes, at) ^ (1ul << random.Next(64)),
                    1 => (ulong)(used[random.Next(used.Length)] * 8), // where another object may be
                    2 => (ulong)at,
                    3 => ulong.MaxValue >> random.Next(64),
                    4 => Word(bytes, used[random.Next(used.Length)] * 8),
                    _ => 0,
                });
            }

            TimeSpan began = watch.Elapsed;
            ReadSomehow(tree, time);
            if (watch.Elapsed - began > longest) longest = watch.Elapsed - began;
            changed.Reverse();
            foreach ((int at, ulong was) in changed) Put(bytes, at, was);
        }

        Assert.InRange(longest, TimeSpan.Zero, TimeSpan.FromSeconds(10));
    }

    /// <summary>All of it, or its end; of an error nothing but that it is one of a disk.</summary>
    private static void ReadSomehow(FileTree tree, int time)
    {
        try
        {
            JournalLog log = Journals.Podman(tree);
            LogPosition at = time % 4 == 0 ? log.Tail(time % 7) : default;
            FileTime? since = time % 4 == 1 ? new FileTime(1_767_323_045, 100_000_000) : null;
            int pieces = 0;
            for (bool isLast = false; !isLast && pieces < 100; pieces++)
            {
                LogPiece piece = log.Read(at, since);
                (at, isLast) = (piece.Next, piece.IsLast);
            }

            Assert.InRange(pieces, 1, 99);
        }
        catch (DiskException)
        {
            // As it may be.
        }
    }

    private static (int Entries, int Damaged) Read(byte[] journal)
    {
        LogPiece piece = Journals.Podman(Journals.Alone(journal)).Read(default);
        return (piece.Entries.Count, piece.Damaged);
    }

    private static byte[] Copy(string format) => [.. Journals.Format(format)];

    private static int Find(byte[] journal, byte[] datum)
    {
        Assert.True(Journals.Alone(journal).Root.TryFind(Encoding.ASCII.GetBytes(Journals.Path), out IInode? inode));
        return (int)JournalFile.Open(inode, "journal", new JournalBudget())!.Find(datum);
    }

    /// <summary>The first array of the container's entries.</summary>
    private static int Array(byte[] journal) => (int)Word(journal, Find(journal, s_container) + 48);

    private static ulong Word(byte[] bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(offset));

    private static void Put(byte[] bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(offset), value);
}
