using Watari.Benchmarks.Core;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Pauses;
using Watari.Checkpoint.Skeleton;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Migration;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;

namespace Watari.Benchmarks.Guests;

/// <summary>The redis of a guest, frozen, and read as the source of a migration reads it. It runs on when this is disposed.</summary>
internal sealed class FrozenRedis : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly GuestVm _vm;
    private readonly StagingMemory _staging;

    /// <summary>Makes room for its pages, as a migration does, and freezes it.</summary>
    public FrozenRedis(GuestVm vm)
    {
        _vm = vm;
        Target target = Target.Find(vm, WorkloadId.OfContainer("redis"));
        ContainerCapture.Rehearse(vm.Kernel(), target.Tasks);
        _staging = new StagingMemory(target.ResidentBytes(vm.Kernel()));
        Pid = target.Root.Pid;
        Tasks = vm.Freezer().Freeze(target.Tasks, s_patience);
    }

    /// <summary>By the guest's first pid namespace.</summary>
    public int Pid { get; }

    public FrozenTasks Tasks { get; }

    /// <summary>Its structure and images, in one pause, then its pages, in short ones. Once.</summary>
    public Capture Read(CancellationToken cancellation)
    {
        ContainerSkeleton skeleton = null!;
        OutgoingPages pages = null!;
        TimeSpan structure = Rounds.Time(() =>
        {
            using StillGuest still = StillGuest.Pause(_vm.Kernel(), _vm.Cpus);
            GuestPageContents contents = new(still.Kernel.Memory);
            skeleton = SkeletonBuilder.Build(ContainerCapture.Capture(still, Tasks), contents, CriuImageOptions.Default);
            pages = new OutgoingPages(_staging, new PageCount((long)skeleton.Pages + ((long)skeleton.Images.PageBytes / PageCount.Size)));
            foreach (PageImage image in skeleton.Images.PageImages) pages.Add(image, contents);
        });
        PauseTotals pauses = default;
        TimeSpan reading = Rounds.Time(() => pauses = new FrozenPageReader(_vm.Kernel(), _vm.Cpus).Read(Tasks, skeleton.Fills, pages, cancellation));
        pages.Complete();
        return new Capture(pages, structure, reading, pauses);
    }

    public void Dispose()
    {
        _vm.Freezer().Thaw(Tasks, s_patience);
        _staging.Dispose();
    }

    /// <param name="Pages">All pages; valid until the redis runs on.</param>
    /// <param name="Structure">How long the guest stood still for all but the pages.</param>
    /// <param name="Reading">How long the pages took.</param>
    /// <param name="Pauses">In which they were read.</param>
    internal sealed record Capture(OutgoingPages Pages, TimeSpan Structure, TimeSpan Reading, PauseTotals Pauses)
    {
        public long Bytes => Pages.Pages.Value * PageCount.Size;

        public TimeSpan Took => Structure + Reading;
    }
}
