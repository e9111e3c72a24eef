using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Pauses;
using Watari.Checkpoint.Skeleton;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Controls;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Migration.Volumes;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;
using ContainerId = Watari.GuestAgent.Protocol.ContainerId;
using ContainerStatus = Watari.GrainInterfaces.Model.ContainerStatus;
using ManagedContainer = Watari.GrainInterfaces.Model.ManagedContainer;
using TransferStatistics = Watari.GrainInterfaces.Model.TransferStatistics;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// The source's half of a migration: looks at the workload, freezes it, reads it out of the VM's memory, sends it, and in the end
/// kills it or lets it run on. Nothing of it needs anything in the VM.
/// </summary>
internal sealed class SourceSide(VmLooks looks, EngineThreads threads, TimeProvider time)
{
    private static readonly TimeSpan s_thaw = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_agent = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_engine = TimeSpan.FromMinutes(2);

    private static string AtBoot(ManagedContainer managed) => $"by its restart policy {managed.Engine} may start it when the guest boots";

    /// <summary>Of volumes: within a freeze all of them are read once more, and that has an end (MigrationTable, capture).</summary>
    private static readonly TimeSpan s_longestReading = TimeSpan.FromMinutes(5);

    /// <summary>How often a capture waits for a kernel that rebuilds a frozen process's tables; it takes milliseconds.</summary>
    private const int LooksForSettled = 200;

    /// <summary>What a container may grow by for want of sharing before its memory goes through a landing zone.</summary>
    private const long MostUnshared = 16L << 20;

    /// <summary>
    /// The network namespace has no interface that is up before the container is whole, so there is nothing to lock; CRIU would
    /// call iptables four times for it, which takes longer than all else that it does.
    /// </summary>
    private static readonly CriuImageOptions s_images = CriuImageOptions.Default with { NetworkLock = NetworkLock.Skip };

    /// <summary>All files of a container are looked at, once.</summary>
    private static readonly TimeSpan s_measure = TimeSpan.FromSeconds(60);

    private static readonly CpuFeatures s_noFeatures = new(new Dictionary<CpuidWord, uint>());

    private readonly ConcurrentDictionary<string, Outgoing> _outgoing = new(StringComparer.Ordinal);

    /// <summary>Volumes that went ahead, until their containers follow.</summary>
    private readonly ConcurrentDictionary<string, OutgoingVolumes> _volumes = new(StringComparer.Ordinal);

    /// <summary>How far the sending of a job is; null where nothing is being sent.</summary>
    public TransferStatistics? ProgressOf(string job) =>
        _outgoing.TryGetValue(job, out Outgoing? outgoing) ? outgoing.Sender?.Statistics.ForReport()
        : _volumes.TryGetValue(job, out OutgoingVolumes? volumes) ? volumes.Sender?.Statistics.ForReport() : null;

    public async Task<SourcePlan> PlanAsync(StepKey key, GuestVm vm, VmId id, WorkloadId workload, Freezer freezer, CancellationToken cancellationToken)
    {
        await vm.MustRunAsync(cancellationToken);
        Target target = await threads.RunAsync(() => Target.Find(vm, workload), cancellationToken);
        await new SourceFreezer(vm, key, freezer, threads).CheckAsync(target, cancellationToken);
        MachineDescription machine = await vm.MachineAsync(cancellationToken);
        SourcePlan plan = await threads.RunAsync(() => Plan(vm, machine, id, target), cancellationToken);
        if (target.Container is not { } container || !ManagedSource.IsManaged(container.Runtime)) return plan;
        // Its engine makes it anew at the destination, where no bundle of it is.
        ManagedContainer managed = await looks.TakeAsync(vm.Name, look => ManagedSource.Describe(look, container.Id), cancellationToken, s_measure);
        if (managed.Restarts)
        {
            string update = $"{(managed.Engine == DockerSource.Engine ? "" : "from podman 5.1 on, ")}{managed.Engine} update --restart=no {managed.Name} ends that";
            await ContainerOfEngine.AgentAsync(vm, "stop", $"It has a restart policy, and {managed.Engine} would start it again beside the one that was moved ({update}).", cancellationToken);
        }

        return plan with { Bundle = null, Managed = managed };
    }

    public async Task<EngineReport> CopyVolumesAsync(StepKey key, GuestVm vm, SourceTasks tasks, TransferTarget target, int streams, CancellationToken cancellationToken)
    {
        ManagedContainer managed = tasks.Managed ?? throw new EngineException(FailureKind.Internal, $"Job {key.Job} is not about a container that has volumes.");
        Forget(key.Job);
        var clock = new PhaseClock(time);
        OutgoingVolumes volumes;
        (MappedFile File, TimeSpan Took) read;
        await using (VmLook look = await looks.OpenAsync(vm.Name, cancellationToken))
        {
            volumes = _volumes[key.Job] = await threads.RunAsync(() => new OutgoingVolumes(ManagedSource.Find(look, managed.Id).Record, key.Job), cancellationToken);
            look.LastUntil(cancellationToken);
            read = await threads.RunLongAsync(
                () =>
                {
                    long began = time.GetTimestamp();
                    return (volumes.ReadLive(look, cancellationToken), time.GetElapsedTime(began));
                },
                cancellationToken);
        }

        using MappedFile changes = read.File;
        clock.Lap("read-volumes");
        // They will be read once more, while the container stands still.
        if (read.Took > s_longestReading)
            throw new EngineException(FailureKind.SaveFailed, $"To read the container's volumes took {read.Took.TotalMinutes:0} minutes, and the container would stand still for as long: no more than {s_longestReading.TotalMinutes:0} are waited for. Move what is large in them by other means, or stop the container and start it elsewhere.");
        volumes.Sender = new PageSender(Transfer(key, target, streams, new MappedPages(changes, ImagePages.VolumeChanges), isOfVolumes: true));
        await volumes.Sender.SendAsync(cancellationToken);
        clock.Lap("send-volumes");
        return new EngineReport([.. clock.Phases], VolumeBytes: volumes.ContentBytes);
    }

    public async Task<EngineReport> FreezeAsync(StepKey key, GuestVm vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken)
    {
        (Target target, StagingMemory staging) = await threads.RunAsync(
            () =>
            {
                Target found = Target.FindAgain(vm, workload, tasks)
                    ?? throw new EngineException(FailureKind.NotFound, $"{workload} has ended in VM '{vm.Name}' since the migration was planned.");
                return (found, new StagingMemory(tasks.ResidentBytes));
            },
            cancellationToken);
        if (!_volumes.TryRemove(key.Job, out OutgoingVolumes? volumes) && tasks.VolumesWentAhead)
            throw new EngineException(FailureKind.Internal, $"What the destination has of the volumes of job {key.Job} is not known here: they were sent by another run of this silo.");
        Forget(key.Job);
        Outgoing outgoing = _outgoing[key.Job] = new Outgoing(staging) { Volumes = volumes };
        if (tasks.Managed is { } managed) outgoing.Files = await OutgoingFiles.OpenAsync(looks, threads, vm.Name, managed, key.Job, withVolumes: volumes is null, cancellationToken);
        var clock = new PhaseClock(time);
        outgoing.Frozen = await new SourceFreezer(vm, key, tasks.Freezer, threads).FreezeAsync(target, cancellationToken);
        clock.Lap("freeze");
        return new EngineReport([.. clock.Phases]);
    }

    public async Task<EngineReport> CaptureAsync(
        StepKey key, GuestVm vm, TransferTarget target, int streams, MemoryMode memory, CancellationToken cancellationToken)
    {
        if (!_outgoing.TryGetValue(key.Job, out Outgoing? outgoing) || outgoing.Frozen is not { } frozen)
            throw new EngineException(FailureKind.Internal, $"Job {key.Job} has frozen nothing here: its freeze was done by another run of this silo.");
        var clock = new PhaseClock(time);
        (ContainerSkeleton skeleton, OutgoingPages pages) = await threads.RunAsync(() => Capture(vm, frozen, outgoing.Staging, memory), cancellationToken);
        clock.Lap("capture");
        if (outgoing.Files is { } files)
        {
            await threads.RunAsync(() => files.AddTo(pages, time.GetUtcNow(), cancellationToken), cancellationToken);
            clock.Lap("files");
            if (outgoing.Volumes is { } volumes)
            {
                await threads.RunAsync(() => files.AddTo(pages, volumes, cancellationToken), cancellationToken);
                clock.Lap("compare-volumes");
            }
        }

        outgoing.Sender = new PageSender(Transfer(key, target, streams, pages) with { Metadata = MetadataOf(skeleton.Images, outgoing.Files?.Creation) });
        Transfer.TransferStatistics sent = await ReadAndSendAsync(vm, frozen, skeleton, pages, outgoing.Sender, cancellationToken);
        await outgoing.DisposeAsync();
        clock.Lap("send");
        return new EngineReport([.. clock.Phases], sent.ForReport(), VolumeBytes: outgoing.Volumes?.ContentBytes);
    }

    private static PageTransfer Transfer(StepKey key, TransferTarget target, int streams, IPageSource pages, bool isOfVolumes = false) => new()
    {
        Destination = IPAddress.TryParse(target.Host, out IPAddress? address) ? new IPEndPoint(address, target.Port) : new DnsEndPoint(target.Host, target.Port),
        Job = key.TransferJob(isOfVolumes),
        Epoch = key.TransferEpoch(),
        Pages = pages,
        Streams = streams,
    };

    public async Task<EngineReport> RetireAsync(StepKey key, GuestVm vm, WorkloadId workload, SourceTasks tasks, bool keep, CancellationToken cancellationToken)
    {
        Target? target = await threads.RunAsync(() => Target.FindAgain(vm, workload, tasks), cancellationToken);
        if (target is not null && tasks.Managed is { Restarts: true } restarted)
        {
            await EndByEngineAsync(key, vm, restarted, cancellationToken);
            target = await threads.RunAsync(() => Target.FindAgain(vm, workload, tasks), cancellationToken);
        }

        if (target is not null) await new SourceFreezer(vm, key, tasks.Freezer, threads).KillAsync(target, cancellationToken);
        return new EngineReport([], Left: (workload.AgentContainer(), tasks.Managed, keep) switch
        {
            (null, _, _) => null,
            (_, { Restarts: true } managed, true) => $"container {managed.Name}, as --keep-source asks; {AtBoot(managed)}",
            (var container, _, true) => $"container {tasks.Managed?.Name ?? container.ToString()}, as --keep-source asks",
            (_, { } managed, _) => await RemoveFromEngineAsync(key, vm, managed, cancellationToken),
            ({ } container, _, _) => await RemoveRecordAsync(key, vm, container, cancellationToken),
        });
    }

    public async Task RollBackAsync(StepKey key, GuestVm vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken)
    {
        Target target = await threads.RunAsync(() => Target.FindAgain(vm, workload, tasks), cancellationToken)
            ?? throw new EngineException(FailureKind.WorkloadLost, $"{workload} has ended in VM '{vm.Name}' while the migration was under way.");
        await new SourceFreezer(vm, key, tasks.Freezer, threads).ThawAsync(target, cancellationToken);
    }

    private static SourcePlan Plan(GuestVm vm, MachineDescription machine, VmId id, Target target)
    {
        GuestKernel kernel = vm.Kernel();
        ContainerDescription? description = target.Container is { } container ? Containers.Describe(container, id) : null;
        if (description?.Status == ContainerStatus.Paused)
            throw new EngineException(FailureKind.Refused, $"Container '{description.Id}' is paused, and would be restored running: unpause it first ('watari unpause {description.Id}').");
        // What is compiled or paged in now is not while the container stands frozen.
        ContainerCapture.Rehearse(kernel, target.Tasks);
        ImmutableArray<ObjectVerdict> verdicts;
        using (StillGuest still = StillGuest.Pause(kernel, vm.Cpus))
            verdicts = [.. ContainerCapture.Judge(still, target.Tasks).Select(verdict => verdict.ForReport())];
        return LiveView.Look(kernel, look => new SourcePlan(
            description,
            verdicts,
            target.Objects(look),
            target.ResidentBytes(look),
            target.Container?.Bundle,
            look.Release,
            [.. machine.CpuFeatures.MissingOn(s_noFeatures)],
            target.StartTime,
            target.SharedCopyOnWriteBytes(look) > MostUnshared ? MemoryMode.LandingZone : MemoryMode.InPlace));
    }

    /// <summary>The structure of the frozen workload, and those of its pages that its images keep, in one pause.</summary>
    private static (ContainerSkeleton Skeleton, OutgoingPages Pages) Capture(GuestVm vm, FrozenTasks frozen, StagingMemory staging, MemoryMode memory)
    {
        using StillGuest still = PauseWhenSettled(vm, frozen);
        var contents = new GuestPageContents(still.Kernel.Memory);
        Container container = ContainerCapture.Capture(still, frozen);
        ContainerSkeleton skeleton = memory == MemoryMode.LandingZone
            ? new ContainerSkeleton(CriuImageBuilder.Build(container, contents, s_images), [])
            : SkeletonBuilder.Build(container, contents, s_images);
        var pages = new OutgoingPages(staging, new PageCount((long)skeleton.Pages + ((long)skeleton.Images.PageBytes / PageCount.Size)));
        foreach (PageImage image in skeleton.Images.PageImages) pages.Add(image, contents);
        return (skeleton, pages);
    }

    private static StillGuest PauseWhenSettled(GuestVm vm, FrozenTasks frozen)
    {
        for (int look = 1; ; look++)
        {
            StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
            if (look == LooksForSettled || frozen.HaveSettledMemory(still)) return still;
            still.Dispose();
            Thread.Sleep(PauseLimits.Default.Between);
        }
    }

    /// <summary>The pages travel while they are read: one engine thread copies them in short pauses of the VM, the sender's send what is there.</summary>
    private async Task<Transfer.TransferStatistics> ReadAndSendAsync(
        GuestVm vm, FrozenTasks frozen, ContainerSkeleton skeleton, OutgoingPages pages, PageSender sender, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task reading = threads.RunAsync(() => Read(vm, frozen, skeleton, pages, stop.Token), CancellationToken.None);
        try
        {
            return await sender.SendAsync(cancellationToken);
        }
        finally
        {
            // Nobody may let go of the staging memory while it is still written to. What ended the reading first is the reason.
            await stop.CancelAsync();
            await reading;
        }
    }

    private static void Read(GuestVm vm, FrozenTasks frozen, ContainerSkeleton skeleton, OutgoingPages pages, CancellationToken cancellationToken)
    {
        try
        {
            new FrozenPageReader(vm.Kernel(), vm.Cpus).Read(frozen, skeleton.Fills, pages, cancellationToken);
            pages.Complete();
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            pages.Complete(e);
        }
        catch (Exception e)
        {
            pages.Complete(e);
            throw;
        }
    }

    /// <summary>The images; those of pages that have none are told of too, for CRIU opens them.</summary>
    private static IReadOnlyList<MetadataBlob> MetadataOf(CriuImageSet images, ReadOnlyMemory<byte>? creation) =>
    [
        .. creation is { } body ? (MetadataBlob[])[new MetadataBlob(GuestAgent.Protocol.ManagedContainer.DockerCreation, body)] : [],
        .. images.Images.Select(image => new MetadataBlob(image.Key, image.Value)),
        .. images.PageImages.Where(image => image.Bytes == 0).Select(image => new MetadataBlob(image.FileName, default)),
    ];

    /// <summary>
    /// runc's record of the container and its cgroup outlive its processes, and can be removed from inside alone: where there is an
    /// agent it does so, elsewhere they stay as those of any container that has ended.
    /// </summary>
    /// <returns>What is left; of a container of runc's nothing that is in anybody's way.</returns>
    private static async Task<string?> RemoveRecordAsync(StepKey key, GuestVm vm, ContainerId container, CancellationToken cancellationToken)
    {
        if (await vm.TryAgentAsync(s_agent, cancellationToken) is not { } agent) return null;
        try
        {
            GuestDescription guest = await agent.DescribeAsync(s_thaw, cancellationToken);
            // One of this name that runs was started anew since.
            if (guest.Containers.Any(known => known.Id == container && known.Status == GuestAgent.Protocol.ContainerStatus.Stopped))
                await agent.DestroyAsync(key.AgentStep(), container, s_thaw, cancellationToken);
        }
        catch (Exception e) when (e is AgentException or AgentLostException)
        {
            // Nothing runs there any more, which is what counts.
        }

        return null;
    }

    /// <summary>
    /// An engine starts a container that has a restart policy again, unless it has ended it itself. It gets SIGKILL where it stands frozen, and
    /// runs no more. Until that is done it stays frozen: there is no other way that leaves but one.
    /// </summary>
    private async Task EndByEngineAsync(StepKey key, GuestVm vm, ManagedContainer managed, CancellationToken cancellationToken)
    {
        try
        {
            ContainerOfEngine container = await ContainerOfEngine.FindAsync(looks, vm.Name, managed.Id, cancellationToken);
            GuestAgentClient agent = await ContainerOfEngine.AgentAsync(vm, "stop", "Until one does, the container stays frozen there.", cancellationToken);
            // By its kill: podman before 4.6 may take an end by its stop for one that it is to start after (containers/podman#18259).
            await agent.StopAsync(key.AgentStep("stop"), container.Target, Signal.Kill.Number, seconds: (int)s_thaw.TotalSeconds, s_engine, cancellationToken);
        }
        catch (EngineException e) when (e.Kind == FailureKind.NotFound)
        {
            // The engine has forgotten it, and starts nothing.
        }
    }

    /// <summary>What an engine keeps of a container that was moved away, and its volumes, would be in the way of its return.</summary>
    /// <returns>What is left of it, and why; null where nothing is.</returns>
    private static async Task<string?> RemoveFromEngineAsync(StepKey key, GuestVm vm, ManagedContainer managed, CancellationToken cancellationToken)
    {
        string all = managed.Volumes.IsEmpty ? $"container {managed.Name}" : $"container {managed.Name} with {string.Join(", ", managed.Volumes.Select(volume => $"volume {volume}"))}";
        string nobody = $"{all}, for no agent answers there that could remove it ({managed.Engine} rm {managed.Name}){(managed.Restarts ? $"; {AtBoot(managed)}" : "")}";
        if (await vm.TryAgentAsync(s_agent, cancellationToken) is not { } agent) return nobody;
        try
        {
            // An agent that has died since it was last asked is not waited for as long as an engine is.
            await agent.DescribeAsync(s_thaw, cancellationToken);
        }
        catch (Exception e) when (e is AgentException or AgentLostException)
        {
            return nobody;
        }

        try
        {
            RemoveManagedResult removed = await agent.RemoveManagedAsync(key.AgentStep("remove"), managed.ForAgent(), s_engine, cancellationToken);
            return removed.Left.Count == 0 ? null : string.Join("; ", removed.Left);
        }
        catch (Exception e) when (e is AgentException or AgentLostException)
        {
            return $"{all}, for its agent could not remove it: {e.Message}";
        }
    }

    /// <summary>Lets go of what a job holds on this host.</summary>
    public void Forget(string job)
    {
        // What it still holds of the VM's disks is let go on the way; nobody waits for it.
        if (_outgoing.TryRemove(job, out Outgoing? outgoing)) _ = outgoing.DisposeAsync().AsTask();
        _volumes.TryRemove(job, out _);
    }

    /// <summary>What a job holds on its source between its steps.</summary>
    private sealed class Outgoing(StagingMemory staging) : IAsyncDisposable
    {
        private int _disposed;

        public StagingMemory Staging => staging;

        /// <summary>Of a container of an engine's.</summary>
        public OutgoingFiles? Files { get; set; }

        /// <summary>Those that went ahead.</summary>
        public OutgoingVolumes? Volumes { get; init; }

        public FrozenTasks? Frozen { get; set; }

        public PageSender? Sender { get; set; }

        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
            staging.Dispose();
            if (Files is not null) await Files.DisposeAsync();
        }
    }
}
