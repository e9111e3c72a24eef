using System.Collections.Immutable;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Tests.Images;

/// <summary>Images to the model and back.</summary>
public sealed class ContainerRoundTripTests
{
    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void What_CRIU_dumped_comes_back_as_the_same_set_of_images(string name)
    {
        using var stock = new StockImages(name);
        CriuImageSet built = stock.Build(stock.Parse());
        Assert.Equal(stock.Set.Images.Keys, built.Images.Keys);
        Assert.Equal(stock.Set.PageBytes, built.PageBytes);
    }

    /// <summary>
    /// Left out: numbers that each writer gives by itself (ids, files by build id, page images), what CRIU says of its own run
    /// (inventory), the packing of archives, and cgroup sets of whole processes, which only CRIU 3.17.1 reads (core).
    /// </summary>
    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Images_without_numbers_of_their_own_come_back_byte_by_byte(string name)
    {
        string[] own = ["ids-", "files", "pagemap-", "inventory", "tmpfs-dev-", "core-", "descriptors"];
        using var stock = new StockImages(name);
        CriuImageSet built = stock.Build(stock.Parse());
        string[] same = [.. stock.Set.Images.Keys.Where(file => !own.Any(file.StartsWith))];
        Assert.True(same.Length > 10);
        Assert.All(same, file => Assert.True(stock.Set.Images[file].Span.SequenceEqual(built.Images[file].Span), file));
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void The_model_of_our_own_images_builds_the_same_images_again(string name)
    {
        using var stock = new StockImages(name);
        CriuImageSet first = stock.Build(stock.Parse());
        string folder = Path.Combine(stock.Folder, "again");
        first.WriteToDirectory(folder, stock.Contents);

        CriuImageSet read = CriuImageSetReader.Read(folder, CriuImageLimits.Default);
        using var contents = new DirectoryPageContents(folder, CriuImageLimits.Default);
        CriuImageSet second = CriuImageBuilder.Build(CriuImageParser.Parse(read, CriuImageLimits.Default), contents, CriuImageOptions.Default);

        Assert.Equal(first.Images.Keys, second.Images.Keys);
        Assert.All(first.Images.Keys, file => Assert.True(first.Images[file].Span.SequenceEqual(second.Images[file].Span), file));
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Every_page_is_written_to_its_own_place(string name)
    {
        using var stock = new StockImages(name);
        string folder = Path.Combine(stock.Folder, "again");
        stock.Build(stock.Parse()).WriteToDirectory(folder, stock.Contents);

        CriuImageSet read = CriuImageSetReader.Read(folder, CriuImageLimits.Default);
        using var contents = new DirectoryPageContents(folder, CriuImageLimits.Default);
        byte[] page = new byte[PageRun.PageSize];
        foreach (PageRun run in read.PageImages.SelectMany(image => image.Runs))
        {
            for (ulong at = 0; at < run.Bytes; at += PageRun.PageSize)
            {
                contents.CopyTo(run.Location.Advance(at), page);
                Assert.Equal(run.Start + at, BitConverter.ToUInt64(page));
            }
        }
    }

    [Fact]
    public void Each_kind_of_open_file_is_read_with_what_it_holds()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        ImmutableArray<OpenFile> files = container.Files;

        Assert.Equal(7ul, files.OfType<EventFd>().Single().Counter);
        Assert.Equal(new Nanoseconds(2_000_000_000), files.OfType<TimerFd>().Single().Setting.Interval);
        Assert.Equal(1ul << 9, files.OfType<SignalFd>().Single().Mask);
        Assert.Equal("/root", files.OfType<Inotify>().Single().Watches.Single().Path);
        Assert.Equal(0x1122334455667788ul, files.OfType<EventPoll>().Single().Targets.Single().Data);
        Assert.Equal("unixdata"u8, files.OfType<UnixSocket>().SelectMany(s => s.ReceiveQueue).Single().Data.Span);
        Assert.Equal(7777u, files.OfType<InetSocket>().Single(s => s.State == 10).SourcePort);
        Assert.Equal("fifodata\n"u8, container.Fifos.Single().Unread.Span);
        Assert.Equal("inpipe\n"u8, container.Pipes.Single().Unread.Span);
        Assert.Equal("mymem", container.MemfdInodes.Single().Name);
        Assert.Equal("ghostdata"u8, ((InlineContents)container.GhostFiles.Single().Contents).Bytes.Span);
        Assert.Equal("tmpfsdata\n"u8, ((InlineContents)container.Tmpfs.SelectMany(t => t.Root.Children).Single(f => f.Name == "file").Contents!).Bytes.Span);
        Assert.Equal(SeccompMode.Filter, container.Processes[0].Threads[0].SeccompMode);
    }
}
