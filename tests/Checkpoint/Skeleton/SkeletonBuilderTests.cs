using System.Collections.Immutable;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Skeleton;
using Watari.Checkpoint.Tests.Images;

namespace Watari.Checkpoint.Tests.Skeleton;

public sealed class SkeletonBuilderTests
{
    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Every_page_is_either_kept_in_the_images_or_written_in_place(string name)
    {
        using var stock = new StockImages(name);
        Container container = stock.Parse();
        ContainerSkeleton skeleton = SkeletonBuilder.Build(container, stock.Contents, CriuImageOptions.Default);
        Assert.Equal(stock.Set.PageBytes, skeleton.Images.PageBytes + skeleton.Pages * PageRun.PageSize);
        Assert.Equal(container.Processes.Select(p => p.Pid), skeleton.Fills.Select(f => f.Pid));
    }

    [Theory]
    [MemberData(nameof(StockImages.All), MemberType = typeof(StockImages))]
    public void Of_private_memory_only_the_vdso_stays_in_the_images(string name)
    {
        using var stock = new StockImages(name);
        Container container = stock.Parse();
        ContainerSkeleton skeleton = SkeletonBuilder.Build(container, stock.Contents, CriuImageOptions.Default);
        foreach (Process process in CriuImageParser.Parse(skeleton.Images, CriuImageLimits.Default).Processes)
            Assert.All(process.Memory!.Pages, run => Assert.Equal(VmAreaKind.Vdso, process.Memory.AreaAt(run.Start)!.Kind));
        foreach ((Process process, ProcessFill fill) in container.Processes.Zip(skeleton.Fills))
            Assert.All(fill.Runs, run => Assert.True(process.Memory!.AreaAt(run.Start)!.Kind is VmAreaKind.PrivateAnonymous or VmAreaKind.PrivateFile));
    }

    [Fact]
    public void Shared_memory_stays_in_the_images_because_nobody_has_it_alone()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        ContainerSkeleton skeleton = SkeletonBuilder.Build(container, stock.Contents, CriuImageOptions.Default);
        SharedMemory memfd = Assert.Single(container.SharedMemory);
        Assert.Contains(skeleton.Images.PageImages, image => image.Runs.SequenceEqual(memfd.Pages));
    }

    [Fact]
    public void A_run_over_the_border_of_two_areas_is_parted_there()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        Process first = container.Processes[0];
        VmArea vdso = first.Memory!.Areas.Single(a => a.Kind == VmAreaKind.Vdso);
        VmArea after = vdso with { Start = vdso.End, End = vdso.End + 8 * PageRun.PageSize, Kind = VmAreaKind.PrivateAnonymous };
        MemoryLayout memory = first.Memory with
        {
            Areas = [.. first.Memory.Areas.Append(after).OrderBy(a => a.Start)],
            Pages = [new PageRun(vdso.Start, (vdso.End - vdso.Start) / PageRun.PageSize + 3, new PageLocation(0))],
        };
        ContainerSkeleton skeleton = SkeletonBuilder.Build(container with { Processes = [first with { Memory = memory }] }, stock.Contents, CriuImageOptions.Default);
        PageRun filled = Assert.Single(Assert.Single(skeleton.Fills).Runs);
        Assert.Equal(new PageRun(vdso.End, 3, new PageLocation(vdso.End - vdso.Start)), filled);
    }

    [Fact]
    public void A_process_that_would_keep_no_page_at_all_is_refused()
    {
        using var stock = new StockImages("kinds");
        Container container = stock.Parse();
        Process first = container.Processes[0];
        ImmutableArray<PageRun> without = [.. first.Memory!.Pages.Where(run => first.Memory.AreaAt(run.Start)!.Kind != VmAreaKind.Vdso)];
        Container bare = container with { Processes = [first with { Memory = first.Memory with { Pages = without } }] };
        Assert.Throws<CriuImageException>(() => SkeletonBuilder.Build(bare, stock.Contents, CriuImageOptions.Default));
    }
}
