using System.Collections.Concurrent;
using System.Net;
using Watari.Checkpoint.Capture;
using Watari.Checkpoint.Freezing;
using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Skeleton;
using Watari.Checkpoint.Verdicts;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;
using CapturedTasks = Watari.Checkpoint.Capture.FrozenTasks;
using FrozenTasks = Watari.Checkpoint.Freezing.FrozenTasks;
using TransferStatistics = Watari.GrainInterfaces.Model.TransferStatistics;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// The source's half of a migration: looks at the workload, freezes it, reads it out of the VM's memory, sends it, and in the end
/// kills it or lets it run on. Nothing of it needs anything in the VM.
/// </summary>
internal sealed class SourceSide(EngineThreads threads, TimeProvider time)
{
    private static readonly TimeSpan s_freeze = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_thaw = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_agent = TimeSpan.FromSeconds(5);

    /// <summary>Room beyond the resident memory of the plan, for the workload runs on until the freeze.</summary>
    private const long Growth = 64L << 20;

    private static readonly CpuFeatures s_noFeatures = new(new Dictionary<CpuidWord, uint>());

    private readonly ConcurrentDictionary<string, Outgoing> _outgoing = new(StringComparer.Ordinal);

    /// <summary>How far the sending of a job is; null where nothing is being sent.</summary>
    public TransferStatistics? ProgressOf(string job) => _outgoing.TryGetValue(job, out Outgoing? outgoing) ? outgoing.Sender?.Statistics.ForReport() : null;

    public Task<SourcePlan> PlanAsync(GuestVm vm, VmId id, WorkloadId workload, CancellationToken cancellationToken) =>
        threads.RunAsync(
            () =>
            {
                Target target = Target.Find(vm, workload);
                vm.Freezer(); // refuses a kernel that cannot be frozen from outside, before anything is touched
                ContainerDescription? description = target.Container is { } container ? Containers.Describe(container, id) : null;
                if (description?.Status == GrainInterfaces.Model.ContainerStatus.Paused)
                    throw new EngineException(FailureKind.Refused, $"Container '{description.Id}' is paused; unpause it in its VM first.");
                using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
                return new SourcePlan(
                    description,
                    [.. ContainerCapture.Judge(still, target.ToCapture).Select(Describe)],
                    target.Objects(still.Kernel),
                    target.ResidentBytes(still.Kernel),
                    target.Container?.Bundle,
                    still.Kernel.Release,
                    [.. vm.Machine.Machine.CpuFeatures.MissingOn(s_noFeatures)]);
            },
            cancellationToken);

    public Task<EngineReport> FreezeAsync(StepKey key, GuestVm vm, WorkloadId workload, CancellationToken cancellationToken) =>
        threads.RunAsync(
            () =>
            {
                Target target = Target.Find(vm, workload);
                var outgoing = new Outgoing(target, new StagingMemory(target.ResidentBytes(vm.Kernel()) + Growth));
                Forget(key.Job);
                _outgoing[key.Job] = outgoing;
                var clock = new PhaseClock(time);
                outgoing.Frozen = vm.Freezer().Freeze(target.ToFreeze, s_freeze);
                clock.Lap("freeze");
                return new EngineReport([.. clock.Phases]);
            },
            cancellationToken);

    public async Task<EngineReport> CaptureAsync(
        StepKey key, GuestVm vm, WorkloadId workload, TransferTarget target, int streams, CancellationToken cancellationToken)
    {
        if (!_outgoing.TryGetValue(key.Job, out Outgoing? outgoing) || outgoing.Frozen is null)
            throw new EngineException(FailureKind.Internal, $"Job {key.Job} has frozen nothing here: its freeze was done by another run of this silo.");
        var clock = new PhaseClock(time);
        (IReadOnlyList<MetadataBlob> images, OutgoingPages pages) = await threads.RunAsync(() => Capture(vm, outgoing), cancellationToken);
        clock.Lap("capture");
        outgoing.Sender = new PageSender(new PageTransfer
        {
            Destination = IPAddress.TryParse(target.Host, out IPAddress? address) ? new IPEndPoint(address, target.Port) : new DnsEndPoint(target.Host, target.Port),
            Job = key.TransferJob(),
            Epoch = key.TransferEpoch(),
            Pages = pages,
            Metadata = images,
            Streams = streams,
        });
        Transfer.TransferStatistics sent = await outgoing.Sender.SendAsync(cancellationToken);
        clock.Lap("send");
        return new EngineReport([.. clock.Phases], sent.ForReport());
    }

    public async Task RetireAsync(StepKey key, GuestVm vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        await threads.RunAsync(
            () =>
            {
                try
                {
                    if (FrozenOf(key, vm, workload) is { } frozen) vm.Freezer().Kill(frozen, s_thaw);
                }
                finally
                {
                    Forget(key.Job);
                }
            },
            cancellationToken);
        await RemoveRecordAsync(key, vm, workload, cancellationToken);
    }

    public Task RollBackAsync(StepKey key, GuestVm vm, WorkloadId workload, CancellationToken cancellationToken) =>
        threads.RunAsync(
            () =>
            {
                try
                {
                    if (FrozenOf(key, vm, workload) is { } frozen) vm.Freezer().Thaw(frozen, s_thaw);
                }
                finally
                {
                    Forget(key.Job);
                }
            },
            cancellationToken);

    public Task<EngineReport> CheckpointAsync(
        StepKey key, GuestVm vm, WorkloadId workload, string directory, bool leaveRunning, CancellationToken cancellationToken) =>
        threads.RunAsync(
            () =>
            {
                Target target = Target.Find(vm, workload);
                OutsideFreezer freezer = vm.Freezer();
                var clock = new PhaseClock(time);
                FrozenTasks frozen = freezer.FreezeAndHold(target.ToFreeze, s_freeze, out StillGuest still);
                clock.Lap("freezing");
                try
                {
                    using (still)
                    {
                        var contents = new GuestPageContents(still.Kernel.Memory);
                        Container container = ContainerCapture.Capture(CapturedTasks.Of(still, target.ToCapture));
                        CriuImageBuilder.Build(container, contents, CriuImageOptions.Default).WriteToDirectory(directory, contents);
                    }

                    clock.Lap("memdump");
                }
                catch
                {
                    freezer.Thaw(frozen, s_thaw);
                    throw;
                }

                if (leaveRunning) freezer.Thaw(frozen, s_thaw);
                else freezer.Kill(frozen, s_thaw);
                clock.Lap(leaveRunning ? "thaw" : "kill");
                return new EngineReport([.. clock.Phases]);
            },
            cancellationToken);

    private static (IReadOnlyList<MetadataBlob> Images, OutgoingPages Pages) Capture(GuestVm vm, Outgoing outgoing)
    {
        using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
        outgoing.Frozen!.Revalidate(still);
        var contents = new GuestPageContents(still.Kernel.Memory);
        ContainerSkeleton skeleton = SkeletonBuilder.Build(
            ContainerCapture.Capture(CapturedTasks.Of(still, outgoing.Target.ToCapture)), contents, CriuImageOptions.Default);
        OutgoingPages pages = OutgoingPages.Copy(skeleton.Fills, contents, outgoing.Staging);
        List<MetadataBlob> images = [.. skeleton.Images.Images.Select(image => new MetadataBlob(image.Key, image.Value))];
        foreach (PageImage kept in skeleton.Images.PageImages)
        {
            using var bytes = new MemoryStream();
            kept.WriteTo(bytes, contents);
            images.Add(new MetadataBlob(kept.FileName, bytes.ToArray()));
        }

        return (images, pages);
    }

    /// <summary>What the job froze; found again in the guest where another run of this silo froze it. Null where nothing is left of it.</summary>
    private FrozenTasks? FrozenOf(StepKey key, GuestVm vm, WorkloadId workload)
    {
        if (_outgoing.TryGetValue(key.Job, out Outgoing? outgoing)) return outgoing.Frozen;
        try
        {
            Target target = Target.Find(vm, workload);
            using StillGuest still = StillGuest.Pause(vm.Kernel(), vm.Cpus);
            return FrozenTasks.Adopt(still, target.ToFreeze);
        }
        catch (Exception e) when (e is EngineException { Kind: FailureKind.NotFound } or FreezeException { Failure: FreezeFailure.NoTasks or FreezeFailure.NoLongerFrozen })
        {
            return null;
        }
    }

    /// <summary>
    /// runc's record of the container and its cgroup outlive its processes, and can be removed from inside alone: where there is an
    /// agent it does so, elsewhere they stay as those of any container that has ended.
    /// </summary>
    private static async Task RemoveRecordAsync(StepKey key, GuestVm vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        if (workload.AgentContainer() is not { } container || await vm.TryAgentAsync(s_agent, cancellationToken) is not { } agent) return;
        try
        {
            GuestDescription guest = await agent.DescribeAsync(s_thaw, cancellationToken);
            // One of this name that runs was started anew since.
            if (guest.Containers.Any(known => known.Id == container && known.Status == GuestAgent.Protocol.ContainerStatus.Stopped))
                await agent.DestroyAsync(key.AgentStep(), container, s_thaw, cancellationToken);
        }
        catch (AgentException)
        {
            // Nothing runs there any more, which is what counts.
        }
    }

    private void Forget(string job)
    {
        if (_outgoing.TryRemove(job, out Outgoing? outgoing)) outgoing.Staging.Dispose();
    }

    private static ObjectVerdict Describe(Verdict verdict) => new(
        verdict.Kind switch
        {
            Checkpoint.Verdicts.VerdictKind.Refused => GrainInterfaces.Model.VerdictKind.Refused,
            Checkpoint.Verdicts.VerdictKind.CarriedWithHelp => GrainInterfaces.Model.VerdictKind.CarriedWithHelp,
            _ => GrainInterfaces.Model.VerdictKind.Carried,
        },
        verdict.Subject,
        verdict.Reason);

    /// <summary>What a job holds on its source between its steps.</summary>
    private sealed class Outgoing(Target target, StagingMemory staging)
    {
        public Target Target => target;

        public StagingMemory Staging => staging;

        public FrozenTasks? Frozen { get; set; }

        public PageSender? Sender { get; set; }
    }
}
