using System.Buffers.Binary;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Images.Proto;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>Images that nobody should have written.</summary>
public sealed class HostileImageTests
{
    [Fact]
    public void An_image_cut_off_anywhere_is_called_damaged()
    {
        byte[] image = CriuImageWriter.Write(CriuImageKinds.Fs, new FsEntry { CwdId = 1, RootId = 2, Umask = 18 });
        for (int length = 0; length < image.Length; length++)
        {
            byte[] cut = image[..length];

            // Without its only entry an image is empty, which is for its reader to judge.
            if (length == 2 * sizeof(uint))
                Assert.Empty(CriuImageReader.Read("fs-1.img", CriuImageKinds.Fs, cut, CriuImageLimits.Default));
            else
                Assert.Throws<CriuImageException>(() => CriuImageReader.Read("fs-1.img", CriuImageKinds.Fs, cut, CriuImageLimits.Default));
        }
    }

    [Fact]
    public void The_image_of_another_kind_is_refused_by_its_magic()
    {
        byte[] image = CriuImageWriter.Write(CriuImageKinds.Fs, new FsEntry { CwdId = 1, RootId = 2 });
        var refused = Assert.Throws<CriuImageException>(() => CriuImageReader.Read("pstree.img", CriuImageKinds.Pstree, image, CriuImageLimits.Default));
        Assert.Contains("51403912", refused.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_without_a_required_field_is_neither_written_nor_read()
    {
        var half = new FsEntry { CwdId = 1 };
        Assert.Throws<InvalidOperationException>(() => CriuImageWriter.Write(CriuImageKinds.Fs, half));

        byte[] image = CriuImageWriter.Write(CriuImageKinds.Fs, new FsEntry { CwdId = 1, RootId = 2 });
        BinaryPrimitives.WriteUInt32LittleEndian(image.AsSpan(8), 2);
        Assert.Throws<CriuImageException>(() => CriuImageReader.Read("fs-1.img", CriuImageKinds.Fs, image.AsMemory(..^2), CriuImageLimits.Default));
    }

    [Fact]
    public void More_entries_messages_or_bytes_than_the_limits_allow_are_not_read()
    {
        byte[] image = CriuImageWriter.Write(CriuImageKinds.Pstree, Enumerable.Range(1, 9).Select(pid => new PstreeEntry { Pid = (uint)pid, Ppid = 0, Pgid = 1, Sid = 1 }));
        foreach (CriuImageLimits limits in new[]
        {
            CriuImageLimits.Default with { Entries = 8 },
            CriuImageLimits.Default with { ImageBytes = image.Length - 1 },
            CriuImageLimits.Default with { MessageBytes = 4 },
        })
            Assert.Throws<CriuImageException>(() => CriuImageReader.Read("pstree.img", CriuImageKinds.Pstree, image, limits));
        Assert.Equal(9, CriuImageReader.Read("pstree.img", CriuImageKinds.Pstree, image, CriuImageLimits.Default).Count);
    }

    [Fact]
    public void A_pagemap_that_tells_of_more_pages_than_there_are_is_refused()
    {
        using var stock = new StockImages("kinds");
        string pages = Directory.GetFiles(stock.Folder, "pages-*")[0];
        using (FileStream file = File.OpenWrite(pages))
            file.SetLength(file.Length - 1);
        Assert.Throws<CriuImageException>(() => CriuImageSetReader.Read(stock.Folder, CriuImageLimits.Default));
    }

    [Fact]
    public void A_small_archive_that_unpacks_to_a_large_file_is_refused()
    {
        using var stock = new StockImages("kinds");
        CriuImageLimits limits = CriuImageLimits.Default with { UnpackedBytes = 100 };
        var refused = Assert.Throws<CriuImageException>(() => CriuImageParser.Parse(stock.Set, limits));
        Assert.StartsWith("tmpfs-dev-", refused.Image, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_in_the_folder_is_not_followed()
    {
        using var stock = new StockImages("kinds");
        File.CreateSymbolicLink(Path.Combine(stock.Folder, "tmpfs-dev-9.tar.gz.img"), "/etc/passwd");
        Assert.DoesNotContain("tmpfs-dev-9.tar.gz.img", CriuImageSetReader.Read(stock.Folder, CriuImageLimits.Default).Images.Keys);
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Whatever_byte_is_flipped_the_set_is_read_or_refused_but_nothing_else(string name)
    {
        using var stock = new StockImages(name);
        var random = new Random(20260101);
        string[] files = [.. stock.Set.Images.Keys];
        for (int round = 0; round < 2000; round++)
        {
            string file = files[random.Next(files.Length)];
            byte[] bytes = stock.Set.Images[file].ToArray();
            for (int flips = random.Next(1, 4); flips > 0; flips--)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            CriuImageSet damaged = stock.Set with { Images = stock.Set.Images.SetItem(file, bytes) };
            try
            {
                CriuImageParser.Parse(damaged, CriuImageLimits.Default);
            }
            catch (CriuImageException refused)
            {
                Assert.NotEmpty(refused.Reason);
            }
        }
    }
}
