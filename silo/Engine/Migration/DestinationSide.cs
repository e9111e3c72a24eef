using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Vms;
using Watari.Transfer;
using TransferStatistics = Watari.GrainInterfaces.Model.TransferStatistics;

namespace Watari.Silo.Engine.Migration;

/// <summary>
/// The destination's half of a migration: makes room, takes images and pages from the source's host, lets the agent build the
/// skeleton, and writes the memory into it.
/// </summary>
internal sealed class DestinationSide(PageReceiver receiver, string advertisedHost, EngineThreads threads, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_quick = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_restore = TimeSpan.FromSeconds(120);

    /// <summary>What has come is put on the disk.</summary>
    private static readonly TimeSpan s_release = TimeSpan.FromSeconds(45);

    /// <summary>Beyond the container's own memory: images, and what runc and criu need while they restore.</summary>
    private const long RestoreOverhead = 64L << 20;

    /// <summary>Of the host's available memory: the rest is for all else that comes meanwhile.</summary>
    private const double MostOfHost = 0.8;

    private static readonly TimeSpan s_engine = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_send = TimeSpan.FromMinutes(10);

    /// <summary>Volumes that come ahead may be large; nothing stands still for them.</summary>
    private static readonly TimeSpan s_volumes = TimeSpan.FromHours(2);

    /// <summary>How long a source may take until it connects.</summary>
    private static readonly TimeSpan s_arrival = TimeSpan.FromMinutes(10);

    /// <summary>Likewise by an engine, which comes with files too.</summary>
    private static readonly TimeSpan s_engineRestore = TimeSpan.FromMinutes(5);

    /// <summary>Pages that may come beyond those of the plan, for the source runs on until the freeze.</summary>
    private const long GrowthBytes = 512L << 20;

    private readonly ConcurrentDictionary<string, Incoming> _incoming = new(StringComparer.Ordinal);

    /// <summary>What a job has brought so far; null where it is not expected.</summary>
    public TransferStatistics? ProgressOf(string job) => _incoming.TryGetValue(job, out Incoming? incoming) ? incoming.Current.Statistics.ForReport() : null;

    /// <exception cref="EngineException">The VM cannot take the workload, and why.</exception>
    public static async Task CheckAsync(GuestVm vm, DestinationRequirements requirements, CancellationToken cancellationToken)
    {
        await vm.MustRunAsync(cancellationToken);
        GuestDescription guest = await vm.DescribeAsync(cancellationToken);
        string[] missing = [.. requirements.CpuFlags.Except((await vm.MachineAsync(cancellationToken)).CpuFeatures.Names)];
        if (missing.Length > 0)
        {
            throw new EngineException(
                FailureKind.Refused,
                $"The CPU of VM '{vm.Name}' lacks {string.Join(' ', missing)}, which the workload may be using; choose a VM with the same CPU model.");
        }

        long needed = Needed(requirements);
        if (guest.Agent.MemoryAvailable < needed)
        {
            throw new EngineException(
                FailureKind.Refused,
                $"VM '{vm.Name}' has {guest.Agent.MemoryAvailable >> 20} MiB available, and {needed >> 20} MiB are needed: free memory there, or choose another VM.");
        }

        if (requirements.Managed is { } managed)
        {
            // All of it passes through this host's memory.
            long passing = requirements.MemoryBytes + managed.FileBytes, available = StagingMemory.AvailableBytes();
            if (passing > available * MostOfHost)
            {
                throw new EngineException(
                    FailureKind.Refused,
                    $"The container's memory and files, {passing >> 20} MiB, pass through the memory of the destination's host, which has {available >> 20} MiB to spare: free memory on it, or choose another destination.");
            }

            if (!guest.Agent.Features.Contains("check-managed"))
                throw new EngineException(FailureKind.Refused, $"The agent of VM '{vm.Name}' ({guest.Agent.AgentVersion}) is too old for containers of {managed.Engine}: put the newer one there, or choose another VM.");
            await (await vm.AgentAsync(cancellationToken)).CheckManagedAsync(ForAgent(requirements, managed), s_engine, cancellationToken);
            return;
        }

        if (requirements.Bundle is { } bundle && !guest.Bundles.Any(known => known.Complete && known.Path == bundle))
            throw new EngineException(FailureKind.Refused, $"VM '{vm.Name}' does not have the container's image: there is no complete bundle at {bundle}. Put it there, or choose another VM.");
        if (requirements.Workload.Container is { } id
            && guest.Containers.FirstOrDefault(known => known.Id.ToString() == id && known.Status != GuestAgent.Protocol.ContainerStatus.Stopped) is { } twin)
        {
            throw new EngineException(
                FailureKind.Refused,
                $"A container '{id}' is {twin.Status.ToString().ToLowerInvariant()} in VM '{vm.Name}' already: delete it there (runc delete {id}), or choose another VM.");
        }
    }

    public async Task<TransferTarget> PrepareAsync(StepKey key, GuestVm vm, DestinationRequirements requirements, CancellationToken cancellationToken)
    {
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        if (requirements.Managed is { } managed)
            await agent.PrepareManagedAsync(key.AgentStep(), ForAgent(requirements, managed), Needed(requirements), s_engine, cancellationToken);
        else
            await agent.PrepareAsync(key.AgentStep(), requirements.Workload.AgentContainer(), requirements.Bundle, Needed(requirements), s_quick, cancellationToken);
        long pages = requirements.MemoryBytes / PageCount.Size;
        long files = (requirements.Managed?.FileBytes ?? 0) / PageCount.Size;
        bool takesVolumes = requirements.Managed is { Volumes.IsEmpty: false } && agent.Agent.Features.Contains("fill-volumes");
        TransferLimits limits = TransferLimits.Default with { MaxPages = new PageCount(pages + files + (GrowthBytes / PageCount.Size)), ArrivalTimeout = takesVolumes ? s_volumes + s_volumes + s_arrival : s_arrival };
        PageReception reception = receiver.Expect(key.TransferJob(), key.TransferEpoch(), limits, room: new PageCount(pages));
        PageReception? volumes = null;
        try
        {
            if (takesVolumes)
                volumes = receiver.Expect(key.TransferJob(isOfVolumes: true), key.TransferEpoch(), limits with { MaxPages = new PageCount(files + (GrowthBytes / PageCount.Size)), ArrivalTimeout = s_volumes });
        }
        catch
        {
            reception.Dispose();
            throw;
        }

        Forget(key.Job);
        _incoming[key.Job] = new Incoming(reception, volumes);
        return new TransferTarget(advertisedHost, receiver.EndPoint.Port, takesVolumes);
    }

    public async Task<EngineReport> FillVolumesAsync(StepKey key, GuestVm vm, CancellationToken cancellationToken)
    {
        if (!_incoming.TryGetValue(key.Job, out Incoming? incoming) || incoming.Volumes is not { } volumes)
            throw new EngineException(FailureKind.TransferFailed, $"No volumes of job {key.Job} were received here: its destination was prepared by another run of this silo.");
        var clock = new PhaseClock(time);
        // What was received of them is let go when they are filled, whatever becomes of the job.
        using ReceivedPages received = await volumes.Completion.WaitAsync(cancellationToken);
        incoming.HasVolumes = true;
        (GuestAgentClient agent, _) = await AnsweringAgentAsync(key, vm, cancellationToken);
        await FillVolumesAsync(key, agent, received, isLast: false, s_volumes, cancellationToken);
        // Else all that was filled would be written when the container has been thawed and let go.
        await agent.SyncAsync(key.AgentStep("sync"), s_volumes, cancellationToken);
        clock.Lap("fill-volumes");
        return new EngineReport([.. clock.Phases]);
    }

    public async Task<EngineReport> RestoreAsync(StepKey key, GuestVm vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        if (!_incoming.TryGetValue(key.Job, out Incoming? incoming))
            throw new EngineException(FailureKind.TransferFailed, $"Nothing of job {key.Job} was received here: its destination was prepared by another run of this silo.");
        var clock = new PhaseClock(time);
        ReceivedPages received = incoming.Received ??= await incoming.Reception.Completion.WaitAsync(cancellationToken);
        clock.Lap("receive");

        (GuestAgentClient agent, _) = await AnsweringAgentAsync(key, vm, cancellationToken);
        var images = new ReceivedImages(vm, agent, key, threads);
        await images.PutAsync(received, cancellationToken);
        clock.Lap("images");

        bool isEngines = received.Pages.Spaces.Contains(ImagePages.Archive);
        if (isEngines)
        {
            await using var archive = new ReceivedArchive(new ReceivedFile(received.Pages, ImagePages.Archive));
            await agent.PutArchiveAsync(key.AgentStep("archive"), archive, s_send, cancellationToken);
            clock.Lap("archive");
        }

        if (incoming.HasVolumes)
        {
            await FillVolumesAsync(key, agent, received, isLast: true, s_send, cancellationToken);
            clock.Lap("patch-volumes");
        }

        RestoreResult restored = await agent.RestoreAsync(key.AgentStep("skeleton"), new RestoreOptions(), isEngines ? s_engineRestore : s_restore, cancellationToken);
        clock.Lap("skeleton");

        await new MemoryFill(vm, agent, key, received.Pages, threads).RunAsync(restored, clock, cancellationToken);
        if (workload.Container is not null)
        {
            await agent.LoopbackUpAsync(key.AgentStep("loopback"), restored.Init, s_quick, cancellationToken);
            clock.Lap("loopback");
        }

        return new EngineReport([.. clock.Phases], received.Statistics.ForReport());
    }

    public async Task<EngineReport> ThawAsync(StepKey key, GuestVm vm, CancellationToken cancellationToken)
    {
        var clock = new PhaseClock(time);
        (GuestAgentClient agent, JobStatus status) = await AnsweringAgentAsync(key, vm, cancellationToken);
        switch (status)
        {
            case { Phase: JobPhase.Restored, Processes: 0, Frozen: true }:
                throw new EngineException(FailureKind.WorkloadLost, $"What was restored in VM '{vm.Name}' was ended there before it ran.");
            case { Phase: JobPhase.Restored }:
                if (status.Frozen) await agent.ThawAsync(key.AgentStep(), null, s_quick, cancellationToken);
                clock.Lap("thaw");
                await agent.ReleaseAsync(key.AgentStep("release"), s_release, cancellationToken);
                break;
            case { Phase: JobPhase.Absent } when status.Epoch == default:
                throw new EngineException(FailureKind.WorkloadLost, $"The guest of VM '{vm.Name}' knows nothing of what was restored there: it was started anew since.");
            case { Phase: JobPhase.Absent }:
                break; // thawed and released before; the answer was lost
            default:
                throw new EngineException(FailureKind.RestoreFailed, $"What was restored in VM '{vm.Name}' cannot be thawed: the guest's agent takes it for {status.Phase.ToString().ToLowerInvariant()}.");
        }

        return new EngineReport([.. clock.Phases]);
    }

    private static async Task FillVolumesAsync(StepKey key, GuestAgentClient agent, ReceivedPages received, bool isLast, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (!received.Pages.Spaces.Contains(ImagePages.VolumeChanges))
            throw new EngineException(FailureKind.TransferFailed, $"The source's host has sent nothing of the volumes of job {key.Job}.");
        await using var changes = new ReceivedArchive(new ReceivedFile(received.Pages, ImagePages.VolumeChanges));
        await agent.FillVolumesAsync(key.AgentStep("volumes"), changes, isLast, deadline, cancellationToken);
    }

    /// <summary>Nothing of the job is left in the VM.</summary>
    public static async Task RollBackAsync(StepKey key, GuestVm vm, CancellationToken cancellationToken)
    {
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        await agent.DestroyAsync(key.AgentStep(), null, s_restore, cancellationToken);
    }

    /// <summary>The agent, and how the job fares with it. It may have died since the last step and been started again without a word, so it is asked before it is relied on.</summary>
    private static async Task<(GuestAgentClient Agent, JobStatus Status)> AnsweringAgentAsync(StepKey key, GuestVm vm, CancellationToken cancellationToken)
    {
        GuestAgentClient agent = await vm.AgentAsync(cancellationToken);
        try
        {
            return (agent, await agent.StatusAsync(key.AgentStep("status"), s_quick, cancellationToken));
        }
        catch (AgentLostException)
        {
            await vm.DropAgentAsync();
            agent = await vm.AgentAsync(cancellationToken);
            return (agent, await agent.StatusAsync(key.AgentStep("status"), s_quick, cancellationToken));
        }
    }

    public void Dispose()
    {
        foreach (string job in _incoming.Keys) Forget(job);
        receiver.Dispose();
    }

    /// <summary>Through a landing zone the pages, too, are part of the archive that podman unpacks, and of the images on the way to Docker.</summary>
    private static GuestAgent.Protocol.ManagedContainer ForAgent(DestinationRequirements requirements, GrainInterfaces.Model.ManagedContainer managed) =>
        (managed with { FileBytes = managed.FileBytes + (requirements.Memory == MemoryMode.LandingZone ? requirements.MemoryBytes : 0) }).ForAgent();

    /// <summary>Bytes; a landing zone holds the memory a second time until the container is restored.</summary>
    private static long Needed(DestinationRequirements requirements) =>
        (requirements.MemoryBytes * (requirements.Memory == MemoryMode.LandingZone ? 2 : 1)) + RestoreOverhead;

    /// <summary>Lets go of what a job holds on this host.</summary>
    public void Forget(string job)
    {
        if (_incoming.TryRemove(job, out Incoming? incoming)) incoming.Dispose();
    }

    /// <param name="reception">What comes when the container stands still.</param>
    /// <param name="volumes">What comes ahead; null where nothing does.</param>
    private sealed class Incoming(PageReception reception, PageReception? volumes) : IDisposable
    {
        public PageReception Reception => reception;

        public PageReception? Volumes => volumes;

        /// <summary>They have come, and must be made whole.</summary>
        public bool HasVolumes { get; set; }

        /// <summary>What is on its way.</summary>
        public PageReception Current => volumes is not null && !HasVolumes ? volumes : reception;

        public ReceivedPages? Received { get; set; }

        public void Dispose()
        {
            reception.Dispose();
            volumes?.Dispose();
            Received?.Dispose();
        }
    }
}
