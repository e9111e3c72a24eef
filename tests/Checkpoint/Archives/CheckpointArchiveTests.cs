using System.Formats.Tar;
using System.Text;
using Watari.Checkpoint.Archives;
using Watari.Checkpoint.Tests.Images;

namespace Watari.Checkpoint.Tests.Archives;

public sealed class CheckpointArchiveTests
{
    private const string Config = """{"id":"0123456789ab","name":"web","rootfsImageName":"localhost/redis:latest","runtime":"runc","namedVolumes":[{"volumeName":"data"}],"newer":{"field":1}}""";
    private const string Spec = """{"ociVersion":"1.0.0","annotations":{"io.container.manager":"libpod"}}""";

    private static readonly DateTimeOffset s_time = DateTimeOffset.UnixEpoch.AddDays(20_000);

    public static TheoryData<ArchiveCompression> Compressions => [.. Enum.GetValues<ArchiveCompression>()];

    /// <summary>What a hostile archive has beside what every archive has, and what is said of it.</summary>
    public static TheoryData<string, string, string> HostileEntries => new()
    {
        { nameof(TarEntryType.RegularFile), "../../etc/cron.d/evil", "leads out" },
        { nameof(TarEntryType.RegularFile), "checkpoint/../../evil", "leads out" },
        { nameof(TarEntryType.RegularFile), "/etc/passwd", "absolute" },
        { nameof(TarEntryType.SymbolicLink), "checkpoint/pages-9.img", "SymbolicLink" },
        { nameof(TarEntryType.SymbolicLink), "checkpoint/parent", "--with-previous" },
        { nameof(TarEntryType.HardLink), "checkpoint/pages-9.img", "HardLink" },
        { nameof(TarEntryType.CharacterDevice), "checkpoint/mem", "CharacterDevice" },
        { nameof(TarEntryType.Fifo), "checkpoint/fifo", "Fifo" },
        { nameof(TarEntryType.RegularFile), "config.dump", "twice" },
        { nameof(TarEntryType.RegularFile), "./checkpoint//inventory.img", "twice" },
    };

    [Theory]
    [MemberData(nameof(Compressions))]
    public void What_is_written_is_read_again(ArchiveCompression compression)
    {
        using var images = new StockImages("redis");
        using MemoryStream file = Write(compression, archive => archive.AddImages(images.Set, images.Contents));

        CheckpointArchive archive = Read(file);

        Assert.Equal(compression, archive.Compression);
        Assert.Equal(("0123456789ab", "web", "libpod"), (archive.Container.Id, archive.Container.Name, archive.Container.Manager));
        Assert.Equal(["data"], archive.Container.NamedVolumes);
        FileInfo[] saved = new DirectoryInfo(images.Folder).GetFiles();
        Assert.Equal(
            saved.Select(image => ($"checkpoint/{image.Name}", image.Length)).Concat([("config.dump", Config.Length), ("spec.dump", Spec.Length)]).Order(),
            archive.Files.Select(entry => (entry.Key, entry.Value)).Order());
        Assert.Equal(saved.Sum(image => image.Length), archive.ImageBytes);
    }

    /// <summary>By tar's own reader, which has nothing of ours.</summary>
    [Theory]
    [MemberData(nameof(Compressions))]
    public void Images_in_it_are_those_of_the_set_byte_by_byte(ArchiveCompression compression)
    {
        using var images = new StockImages("kinds");
        using MemoryStream file = Write(compression, archive => archive.AddImages(images.Set, images.Contents));
        string folder = Directory.CreateTempSubdirectory("watari-archive-").FullName;
        try
        {
            using (Stream unpacked = compression.Unpack(file)) TarFile.ExtractToDirectory(unpacked, folder, overwriteFiles: false);

            foreach (FileInfo image in new DirectoryInfo(images.Folder).GetFiles())
                Assert.Equal(File.ReadAllBytes(image.FullName), File.ReadAllBytes(Path.Combine(folder, "checkpoint", image.Name)));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(folder, "checkpoint", "inventory.img")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [MemberData(nameof(Compressions))]
    public void An_archive_that_is_cut_off_anywhere_is_refused(ArchiveCompression compression)
    {
        byte[] whole = Write(compression).ToArray();
        // Tar's end is twice a block of zeroes; one of them may be missing.
        int needed = compression == ArchiveCompression.None ? whole.Length - 512 : whole.Length;

        for (int length = 0; length < needed; length += length < needed - 32 ? 97 : 1)
            AssertRefused(whole[..length], $"cut off at {length} of {whole.Length}");
    }

    [Theory]
    [MemberData(nameof(HostileEntries))]
    public void An_entry_that_cannot_be_in_it_is_refused(string type, string path, string said)
    {
        using MemoryStream file = Tar(tar =>
        {
            Base(tar);
            var entry = new GnuTarEntry(Enum.Parse<TarEntryType>(type), path);
            if (entry.EntryType is TarEntryType.SymbolicLink or TarEntryType.HardLink) entry.LinkName = "/etc/shadow";
            tar.WriteEntry(entry);
        });

        Assert.Contains(said, AssertRefused(file.ToArray(), path).Message, StringComparison.Ordinal);
    }

    /// <summary>What podman's tar would write is as long as the attributes say, and goes by another name.</summary>
    [Theory]
    [InlineData("GNU.sparse.name", "../../etc/cron.d/evil")]
    [InlineData("GNU.sparse.realsize", "1099511627776")]
    public void A_sparse_file_is_refused(string attribute, string value)
    {
        using MemoryStream file = Tar(tar =>
        {
            Base(tar);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, "checkpoint/pages-1.img", new Dictionary<string, string> { [attribute] = value }));
        });
        using MemoryStream all = Tar(tar =>
        {
            tar.WriteEntry(new PaxGlobalExtendedAttributesTarEntry(new Dictionary<string, string> { [attribute] = value }));
            Base(tar);
        });

        Assert.Contains("is sparse", AssertRefused(file.ToArray(), attribute).Message, StringComparison.Ordinal);
        Assert.Contains("is sparse", AssertRefused(all.ToArray(), attribute).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("config.dump")]
    [InlineData("spec.dump")]
    [InlineData("checkpoint/inventory.img")]
    public void An_archive_without_what_every_checkpoint_has_is_refused(string missing)
    {
        using MemoryStream file = Tar(tar => Base(tar, without: missing));

        Assert.Contains(missing, AssertRefused(file.ToArray(), missing).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"id":""}""")]
    [InlineData("""{"id":7}""")]
    [InlineData("""{"id":"a","name":"half""")]
    public void A_config_that_is_none_is_refused(string config)
    {
        using MemoryStream file = Tar(tar =>
        {
            Base(tar, without: "config.dump");
            Put(tar, "config.dump", Encoding.UTF8.GetBytes(config));
        });

        AssertRefused(file.ToArray(), config);
    }

    [Theory]
    [InlineData(ArchiveCompression.Gzip)]
    [InlineData(ArchiveCompression.Zstd)]
    public void A_bomb_ends_before_it_goes_off(ArchiveCompression compression)
    {
        ArchiveLimits limits = ArchiveLimits.Default with { RatioFree = 1 << 20, Ratio = 100 };
        using MemoryStream file = Write(compression, archive =>
        {
            using var zeroes = new MemoryStream(new byte[64 << 20]);
            archive.Add("checkpoint/pages-1.img", zeroes);
        });

        Assert.Contains("times its size", Assert.Throws<ArchiveException>(() => CheckpointArchive.Read(file, limits, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_than_the_limits_allow_is_refused()
    {
        using MemoryStream file = Write(ArchiveCompression.None, archive =>
        {
            archive.Add(ArchiveLayout.Inventory, new byte[100]);
            for (int i = 0; i < 50; i++) archive.Add($"checkpoint/core-{i}.img", new byte[100]);
        });
        ArchiveLimits limits = ArchiveLimits.Default;

        Assert.All(
            [limits with { Entries = 40 }, limits with { UnpackedBytes = 20_000 }, limits with { DocumentBytes = 40 }, limits with { NameCharacters = 900 }],
            tight => Assert.Throws<ArchiveException>(() => CheckpointArchive.Read(new MemoryStream(file.ToArray()), tight, TestContext.Current.CancellationToken)));
        Read(file);
    }

    /// <summary>Tar's reader would make room for all that an entry says of its name.</summary>
    [Theory]
    [InlineData('x')]
    [InlineData('g')]
    [InlineData('L')]
    [InlineData('K')]
    public void A_name_without_end_is_refused_before_there_is_room_made_for_it(char type)
    {
        byte[] header = new byte[1024];
        Encoding.ASCII.GetBytes("name").CopyTo(header, 0);
        Encoding.ASCII.GetBytes("17777777777").CopyTo(header, 124); // 2 GiB
        header[156] = (byte)type;
        Encoding.ASCII.GetBytes("ustar  ").CopyTo(header, 257);
        header.AsSpan(148, 8).Fill((byte)' ');
        Encoding.ASCII.GetBytes($"{Convert.ToString(header.Take(512).Sum(b => b), 8).PadLeft(6, '0')}\0 ").CopyTo(header, 148);
        long before = GC.GetAllocatedBytesForCurrentThread();

        ArchiveException refused = AssertRefused(header, type.ToString());

        Assert.Contains("at most", refused.Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 10 << 20);
    }

    [Theory]
    [MemberData(nameof(Compressions))]
    public void Spoilt_archives_are_read_or_refused_and_nothing_else(ArchiveCompression compression)
    {
        byte[] whole = Write(compression).ToArray();
        var dice = new Random(4);
        int refused = 0;
        for (int run = 0; run < 500; run++)
        {
            byte[] spoilt = [.. whole];
            for (int i = dice.Next(1, 8); i > 0; i--) spoilt[dice.Next(spoilt.Length)] = (byte)dice.Next(256);
            try
            {
                CheckpointArchive.Read(new MemoryStream(spoilt), ArchiveLimits.Default, TestContext.Current.CancellationToken);
            }
            catch (ArchiveException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 1, 500);
    }

    [Fact]
    public void What_is_no_archive_is_refused()
    {
        AssertRefused([], "empty");
        AssertRefused(new byte[1 << 20], "zeroes");
        AssertRefused(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("#!/bin/sh\n", 1000))), "text");
        AssertRefused([0x1f, 0x8b, 8, 0], "gzip's magic");
        AssertRefused([0x28, 0xb5, 0x2f, 0xfd], "zstd's magic");
    }

    private static MemoryStream Write(ArchiveCompression compression, Action<CheckpointArchiveWriter>? more = null)
    {
        var file = new MemoryStream();
        using (var archive = new CheckpointArchiveWriter(file, compression, s_time))
        {
            archive.Add(ArchiveLayout.ConfigDump, Encoding.UTF8.GetBytes(Config));
            archive.Add(ArchiveLayout.SpecDump, Encoding.UTF8.GetBytes(Spec));
            if (more is null) archive.Add(ArchiveLayout.Inventory, new byte[700]);
            else more(archive);
            archive.Complete();
        }

        file.Position = 0;
        return file;
    }

    private static MemoryStream Tar(Action<TarWriter> write)
    {
        var file = new MemoryStream();
        using (var tar = new TarWriter(file, leaveOpen: true)) write(tar);
        file.Position = 0;
        return file;
    }

    private static void Base(TarWriter tar, string? without = null)
    {
        if (without != "config.dump") Put(tar, "config.dump", Encoding.UTF8.GetBytes(Config));
        if (without != "spec.dump") Put(tar, "spec.dump", Encoding.UTF8.GetBytes(Spec));
        if (without != "checkpoint/inventory.img") Put(tar, "checkpoint/inventory.img", new byte[10]);
    }

    private static void Put(TarWriter tar, string path, byte[] contents) =>
        tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, path) { DataStream = new MemoryStream(contents) });

    private static CheckpointArchive Read(Stream file) => CheckpointArchive.Read(file, ArchiveLimits.Default, TestContext.Current.CancellationToken);

    private static ArchiveException AssertRefused(byte[] file, string what)
    {
        Exception? thrown = Record.Exception(() => Read(new MemoryStream(file)));
        Assert.True(thrown is ArchiveException, $"{what}: {thrown?.ToString() ?? "read without a word"}");
        return (ArchiveException)thrown!;
    }
}
