using System.Collections.Concurrent;
using Watari.GrainInterfaces.Model;
using Watari.Grains.Engine;

namespace Watari.Scripted;

/// <summary>
/// An engine whose VMs are lines of a <see cref="ScriptedWorld"/>: it does to them what the real one does to VMs, checks that no
/// command comes that would break the law, and lets a test hold or fail any command by its name.
/// </summary>
public sealed class ScriptedEngine(string host, ScriptedWorld world) : IHostEngine
{
    /// <summary>What an archive takes of a VM's memory.</summary>
    public const long ArchiveBytes = 64 << 20;

    private readonly ConcurrentDictionary<string, int> _epochs = new(StringComparer.Ordinal);

    public string Host => host;

    /// <summary>
    /// Asked before each command takes effect, with its name (<c>freeze</c>, <c>capture</c>, …; <c>save</c> between a checkpoint's freeze
    /// and its end) and the workload.
    /// </summary>
    public Func<string, string, CancellationToken, Task> Before { get; set; } = (_, _, _) => Task.CompletedTask;

    public TransferStatistics? Progress { get; set; }

    /// <summary>Whether it takes volumes ahead, as a destination.</summary>
    public bool TakesVolumes { get; set; } = true;

    public IContainerFiles Files { get; } = new ScriptedFiles();

    public IContainerCommands Commands { get; } = new ScriptedCommands(host, world);

    public Task<HostDescription> DescribeHostAsync(CancellationToken cancellationToken) => Task.FromResult(
        new HostDescription(host, 2, 24L << 30, 0.5, world.Read().Vms.Count(v => v.Id.Host == host), "scripted"));

    public IReadOnlyList<string> VmNames => [.. world.Read().Vms.Where(v => v.Id.Host == host).Select(v => v.Id.Vm)];

    public Task<IReadOnlyList<VmDescription>> ListVmsAsync(CancellationToken cancellationToken)
    {
        ScriptedState state = world.Read();
        if (state.Vms.Any(IsLate)) world.Change(changed =>
        {
            for (int i = 0; i < changed.Vms.Count; i++)
            {
                if (IsLate(changed.Vms[i])) changed.Vms[i] = changed.Vms[i] with { LateLists = changed.Vms[i].LateLists - 1 };
            }
        });
        return Task.FromResult<IReadOnlyList<VmDescription>>([.. state.Vms.Where(v => v.Id.Host == host).Select(v => new VmDescription(
            v.Id, v.Status, v.MemoryBytes, 1, "tcg", "6.12.0", v.HasAgent && v.LateLists == 0 ? "0.1.0" : null, state.Copies.Count(c => c.Vm == v.Id), null, "memfd"))]);

        bool IsLate(ScriptedVm vm) => vm.Id.Host == host && vm.LateLists > 0;
    }

    public Task<Listing<ContainerDescription>> ListContainersAsync(string vm, bool withSizes, CancellationToken cancellationToken)
    {
        ScriptedState state = world.Read();
        VmId id = Known(state, vm);
        return Task.FromResult(new Listing<ContainerDescription>([.. state.Copies.Where(c => c.Vm == id && c.State is CopyState.Running or CopyState.Frozen or CopyState.Created).Select(Describe)], []));
    }

    public Task<Listing<ImageDescription>> ListImagesAsync(string vm, CancellationToken cancellationToken) => Task.FromResult(new Listing<ImageDescription>(
        [new ImageDescription(Known(world.Read(), vm), "podman", "localhost/redis", "7", "0123456789abcdef", DateTimeOffset.UnixEpoch, 100 << 20)], []));

    /// <summary>Two of each container.</summary>
    public async Task<IReadOnlyList<ProcessDescription>> ListProcessesAsync(string vm, string container, CancellationToken cancellationToken)
    {
        ContainerDescription found = (await ListContainersAsync(vm, withSizes: false, cancellationToken)).Items.FirstOrDefault(c => c.Id == container)
            ?? throw new EngineException(FailureKind.NotFound, $"No container '{container}' runs in VM '{vm}'.");
        return
        [
            new ProcessDescription(found.InitPid, 1, 1, 0, 'S', 4, TimeSpan.FromSeconds(3661.5), DateTimeOffset.UnixEpoch, 5 << 20, found.Command),
            new ProcessDescription(found.InitPid + 1, 2, found.InitPid, 999, 'R', 1, TimeSpan.FromDays(1.5), DateTimeOffset.UnixEpoch.AddMinutes(1), 1 << 20, "worker"),
        ];
    }

    /// <summary>A quarter of a processor of each container.</summary>
    public async Task<UsageSample> ReadUsageAsync(string vm, CancellationToken cancellationToken)
    {
        TimeSpan at = System.Diagnostics.Stopwatch.GetElapsedTime(0);
        return new UsageSample(
            Known(world.Read(), vm), at,
            [.. (await ListContainersAsync(vm, withSizes: false, cancellationToken)).Items.Where(c => c.Runs).Select(c => new ContainerUsage(c.Id, c.Name, at / 4, 64 << 20, 256 << 20, c.Threads, 0, 1.5, null))]);
    }

    public Task<VmExamination> ExamineVmAsync(string vm, CancellationToken cancellationToken) => Task.FromResult(
        new VmExamination(Known(world.Read(), vm), [new VmCheck("monitor", CheckLevel.Ok, "scripted")]));

    /// <summary>Three records, one in each message.</summary>
    public Task<KernelLogPiece> ReadKernelLogAsync(string vm, ulong from, CancellationToken cancellationToken)
    {
        Known(world.Read(), vm);
        KernelLogEntry[] log = [.. Enumerable.Range(0, 3).Select(i => new KernelLogEntry((ulong)i, (ulong)i * 1_500_000_000, 6 - i, 0, 0, $"message {i}"))];
        return Task.FromResult(new KernelLogPiece([.. log.Where(e => e.Sequence >= from).Take(1)], Math.Min(from + 1, 3), from >= 2, DateTimeOffset.UnixEpoch));
    }

    public async Task<SourcePlan> PlanSourceAsync(StepKey key, string vm, WorkloadId workload, Freezer freezer, CancellationToken cancellationToken)
    {
        await BeginAsync("plan", key, workload, cancellationToken);
        ScriptedState state = world.Read();
        ScriptedCopy copy = Find(state, vm, workload) is { State: CopyState.Running } running ? running : throw Missing(vm, workload);
        ObjectVerdict[] objections = copy.Container.StartsWith("packet", StringComparison.Ordinal)
            ? [new ObjectVerdict(VerdictKind.Refused, "pid 7 fd 12 packet socket", "packet sockets are not carried")]
            : [];
        // One of podman's with a volume, where it is called so.
        ManagedContainer? managed = copy.Container.StartsWith("books", StringComparison.Ordinal)
            ? new ManagedContainer("podman", new string('b', 64), copy.Container, new string('a', 64), "localhost/books:1", ["shelf"], 1 << 20, Restarts: false, Binds: [])
            : null;
        return new SourcePlan(Describe(copy), [.. objections], 42, 64 << 20, managed is null ? "/run/bundle" : null, "6.12.0", ["sse2"], 1_000_000, MemoryMode.InPlace, managed);
    }

    public async Task CheckDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken)
    {
        await BeginAsync("check", key, requirements.Workload, cancellationToken);
        ScriptedState state = world.Read();
        long available = state.Vms.Single(v => v.Id == Known(state, vm)).MemoryBytes;
        if (available < requirements.MemoryBytes)
        {
            throw new EngineException(FailureKind.Refused, $"VM '{vm}' has {available >> 20} MiB available, and {requirements.MemoryBytes >> 20} MiB are needed.");
        }

        if (Find(state, vm, requirements.Workload) is { } there)
        {
            throw new EngineException(FailureKind.Refused, $"{there.Vm} has a container '{there.Container}' already: remove it first.");
        }
    }

    public async Task<TransferTarget> PrepareDestinationAsync(StepKey key, string vm, DestinationRequirements requirements, CancellationToken cancellationToken)
    {
        await BeginAsync("prepare", key, requirements.Workload, cancellationToken);
        Change(key, state => ScriptedWorld.Put(new ScriptedCopy(Known(state, vm), requirements.Workload.ToString(), CopyState.Prepared, key.Job), state));
        return new TransferTarget("127.0.0.1", 4711, TakesVolumes);
    }

    public async Task<EngineReport> CopyVolumesAsync(
        StepKey key, string vm, WorkloadId workload, SourceTasks tasks, TransferTarget target, int streams, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("copy-volumes", key, workload, cancellationToken);
        Change(key, state =>
        {
            if (Find(state, vm, workload) is not { State: CopyState.Running }) Violate(state, $"{key}: volumes of what does not run are copied ahead");
        });
        return Report(start, "read-volumes", "send-volumes") with { VolumeBytes = 1 << 20 };
    }

    public async Task<EngineReport> FillVolumesAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("fill-volumes", key, workload, cancellationToken);
        Change(key, state =>
        {
            if (Find(state, vm, workload) is not { State: CopyState.Prepared }) Violate(state, $"{key}: volumes are filled of what is not prepared");
        });
        return Report(start, "fill-volumes");
    }

    public async Task<EngineReport> FreezeAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("freeze", key, workload, cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) ?? throw Missing(vm, workload);
            ScriptedWorld.Put(copy with { State = CopyState.Frozen, Job = key.Job }, state);
        });
        return Report(start, "freeze");
    }

    public async Task<EngineReport> CaptureAsync(StepKey key, string vm, WorkloadId workload, TransferTarget target, int streams, MemoryMode memory, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("capture", key, workload, cancellationToken);
        Change(key, state =>
        {
            if (Find(state, vm, workload) is not { State: CopyState.Frozen }) Violate(state, $"{key}: capture of what is not frozen");
            ScriptedCopy there = state.Copies.Find(c => c.Job == key.Job && c.State == CopyState.Prepared)
                ?? throw new EngineException(FailureKind.TransferFailed, "Nobody listens for the pages.");
            ScriptedWorld.Put(there with { HasPages = true }, state);
        });
        return Report(start, "capture") with
        {
            Transfer = new TransferStatistics(64 << 20, 25 << 20, 6_400, 9_984, 0),
            VolumeBytes = workload.ToString().StartsWith("books", StringComparison.Ordinal) ? 64 << 10 : null,
        };
    }

    public async Task<EngineReport> RestoreAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("restore", key, workload, cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) is { HasPages: true } whole ? whole : throw new EngineException(FailureKind.RestoreFailed, "There is nothing to restore.");
            ScriptedWorld.Put(copy with { State = CopyState.Restored }, state);
        });
        return Report(start, "skeleton", "memwrite");
    }

    public async Task<EngineReport> ThawDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("thaw", key, workload, cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) ?? throw Missing(vm, workload);
            if (copy.State is not (CopyState.Restored or CopyState.Running)) Violate(state, $"{key}: thaw of what is {copy.State}");
            ScriptedWorld.Put(copy with { State = CopyState.Running }, state);
        });
        return Report(start, "thaw");
    }

    public async Task<EngineReport> RetireSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, bool keep, CancellationToken cancellationToken)
    {
        await BeginAsync("retire", key, workload, cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy? copy = Find(state, vm, workload);
            if (copy is { State: CopyState.Running }) Violate(state, $"{key}: a running source is retired");
            if (copy is not null) state.Copies.Remove(copy);
        });
        return new EngineReport([], Left: keep ? $"container {workload}, as --keep-source asks" : null);
    }

    public async Task RollBackSourceAsync(StepKey key, string vm, WorkloadId workload, SourceTasks tasks, CancellationToken cancellationToken)
    {
        await BeginAsync("roll-back-source", key, workload, cancellationToken);
        Change(key, state =>
        {
            // As in the real engine, of which nothing is frozen any more: what another job froze would be thawed, too.
            if (Find(state, vm, workload) is not { } copy) return;
            ScriptedWorld.Put(copy with { State = CopyState.Running, Job = null }, state);
        });
    }

    public async Task RollBackDestinationAsync(StepKey key, string vm, WorkloadId workload, CancellationToken cancellationToken)
    {
        await BeginAsync("roll-back-destination", key, workload, cancellationToken);
        Change(key, state =>
        {
            Known(state, vm);
            if (Find(state, vm, workload) is not { } copy || copy.Job != key.Job) return;
            if (copy.State == CopyState.Running) Violate(state, $"{key}: a running destination is removed");
            state.Copies.Remove(copy);
        });
    }

    public async Task<EngineReport> CheckpointAsync(StepKey key, string vm, WorkloadId workload, CheckpointOptions options, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("checkpoint", key, workload, cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) is { State: CopyState.Running } running ? running : throw Missing(vm, workload);
            ScriptedWorld.Put(copy with { State = CopyState.Frozen, Job = key.Job }, state);
        });
        await Before("save", workload.ToString(), cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) is { State: CopyState.Frozen } frozen && frozen.Job == key.Job ? frozen : throw Missing(vm, workload);
            if (options.Form == CheckpointForm.Archive)
            {
                File.WriteAllText(options.Path, copy.Container);
            }
            else
            {
                Directory.CreateDirectory(options.Path);
                File.WriteAllText(System.IO.Path.Combine(options.Path, "inventory.img"), copy.ToString());
            }

            if (options.LeaveRunning) ScriptedWorld.Put(copy with { State = CopyState.Running, Job = null }, state);
            else state.Copies.Remove(copy);
        });
        return Report(start, "freeze", "capture");
    }

    /// <summary>An archive holds the container's name, and nothing else.</summary>
    public async Task<EngineReport> RestoreArchiveAsync(StepKey key, string vm, ArchiveRestore options, Func<long, long> promise, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        string name = options.Name ?? (File.Exists(options.Path) ? File.ReadAllText(options.Path) : throw new EngineException(FailureKind.NotFound, $"There is no archive '{options.Path}' on host '{host}'."));
        var workload = WorkloadId.OfContainer(name);
        long available = world.Read().Vms.Find(v => v.Id == new VmId(host, vm))?.MemoryBytes ?? long.MaxValue;
        if (promise(ArchiveBytes) is var promised && available < ArchiveBytes + promised)
            throw new EngineException(FailureKind.Refused, $"VM '{vm}' has {available >> 20} MiB available, and {(ArchiveBytes + promised) >> 20} MiB are needed.");
        await BeginAsync("restore-archive", key, workload, cancellationToken);
        Change(key, state =>
        {
            if (Find(state, vm, workload) is not null) Violate(state, $"{key}: a second copy of '{name}'");
            ScriptedWorld.Put(new ScriptedCopy(Known(state, vm), name, CopyState.Running, null), state);
        });
        return Report(start, "read", "restore") with { Container = name };
    }

    public Task<EngineReport> PauseAsync(StepKey key, string vm, WorkloadId workload, Actor by, CancellationToken cancellationToken) =>
        TurnAsync("pause", key, vm, workload, CopyState.Running, CopyState.Frozen, "is paused already", cancellationToken);

    public Task<EngineReport> UnpauseAsync(StepKey key, string vm, WorkloadId workload, Actor by, CancellationToken cancellationToken) =>
        TurnAsync("unpause", key, vm, workload, CopyState.Frozen, CopyState.Running, "is not paused", cancellationToken);

    /// <summary>Every signal but SIGHUP, which is ignored, ends a container.</summary>
    public async Task<EngineReport> KillAsync(StepKey key, string vm, WorkloadId workload, Signal signal, Actor by, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("kill", key, workload, cancellationToken);
        bool ignored = signal.Number == 1;
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) ?? throw Missing(vm, workload);
            if (!ignored) state.Copies.Remove(copy);
        });
        return Report(start, "kill") with { Objections = ignored ? [new ObjectVerdict(VerdictKind.CarriedWithHelp, "pid 812", $"ignores {signal}")] : null };
    }

    /// <summary>Of host-a three, one in each message; of others none.</summary>
    public Task<EventsPiece> ReadEventsAsync(EventsPlace? from, DateTimeOffset? since, CancellationToken cancellationToken)
    {
        var vm = new VmId(host, "vm-a");
        ContainerEvent[] all = host != "host-a" ? [] :
        [
            new(DateTimeOffset.UnixEpoch.AddSeconds(1), ContainerEventKind.Create, vm, "0123456789abcdef", "web", "podman", "localhost/web:1"),
            new(DateTimeOffset.UnixEpoch.AddSeconds(2), ContainerEventKind.Rename, vm, "0123456789abcdef", "web\u001b[2J", "podman", "localhost/web:1", OldName: "web"),
            new(DateTimeOffset.UnixEpoch.AddSeconds(3), ContainerEventKind.Die, vm, "fedcba9876543210", "db", "docker", null, ExitCode: 137),
        ];
        int at = from is not null ? (int)from.Next : since is null ? all.Length : 0;
        ContainerEvent[] piece = [.. all.Skip(at).Take(1)];
        return Task.FromResult(new EventsPiece(
            [.. piece.Where(happened => since is not { } moment || happened.At >= moment)], new EventsPlace(Guid.Empty, at + piece.Length), at + piece.Length == all.Length, false, host == "host-b" ? ["host-b/vm-c hangs."] : []));
    }

    /// <summary>A container ends on every signal but SIGHUP, and is killed then. Its record stays.</summary>
    public async Task<EngineReport> StopAsync(StepKey key, string vm, WorkloadId workload, StopOptions options, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync("stop", key, workload, cancellationToken);
        string? note = options.Signal is { Number: 1 } ? $"did not end in {options.Patience?.TotalSeconds ?? 10} s, and was killed" : null;
        Change(key, state =>
        {
            if (!state.Vms.Single(v => v.Id == Known(state, vm)).HasAgent) throw new EngineException(FailureKind.Refused, $"No guest agent answers in VM '{vm}'.");
            ScriptedCopy copy = Find(state, vm, workload) ?? throw Missing(vm, workload);
            if (copy.Job is not null) Violate(state, $"{key}: stop of what job {copy.Job} works on");
            if (copy.State == CopyState.Created) note = "did not run: it is created";
            ScriptedWorld.Put(copy with { State = CopyState.Created }, state);
        });
        return Report(start, "stop") with { Objections = note is null ? null : [new ObjectVerdict(VerdictKind.CarriedWithHelp, "it", note)] };
    }

    public TransferStatistics? TransferProgress(string job) => Progress;

    private async Task<EngineReport> TurnAsync(
        string command, StepKey key, string vm, WorkloadId workload, CopyState from, CopyState to, string otherwise, CancellationToken cancellationToken)
    {
        DateTimeOffset start = DateTimeOffset.UtcNow;
        await BeginAsync(command, key, workload, cancellationToken);
        Change(key, state =>
        {
            ScriptedCopy copy = Find(state, vm, workload) ?? throw Missing(vm, workload);
            if (copy.Job is not null) Violate(state, $"{key}: {command} of what job {copy.Job} works on");
            if (copy.State != from) throw new EngineException(FailureKind.Refused, $"Container '{copy.Container}' in {copy.Vm} {otherwise}.");
            ScriptedWorld.Put(copy with { State = to }, state);
        });
        return Report(start, command == "pause" ? "freeze" : "thaw");
    }

    private async Task BeginAsync(string command, StepKey key, WorkloadId workload, CancellationToken cancellationToken)
    {
        await Before(command, workload.ToString(), cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        int newest = _epochs.AddOrUpdate(key.Job, key.Epoch.Value, (_, seen) => Math.Max(seen, key.Epoch.Value));
        if (key.Epoch.Value < newest) world.Change(state => Violate(state, $"{key} came after epoch {newest}"));
    }

    private void Change(StepKey key, Action<ScriptedState> change) => world.Change(state =>
    {
        state.Journal.Add($"{host}: {key}");
        change(state);
    });

    private VmId Known(ScriptedState state, string vm) =>
        state.Vms.Find(v => v.Id == new VmId(host, vm) && v.Status == VmStatus.Running)?.Id
        ?? throw new EngineException(FailureKind.VmLost, $"VM {host}/{vm} is gone.");

    private ScriptedCopy? Find(ScriptedState state, string vm, WorkloadId workload)
    {
        VmId id = Known(state, vm);
        return state.Copies.Find(c => c.Vm == id && c.Container == workload.ToString());
    }

    private EngineException Missing(string vm, WorkloadId workload) => new(FailureKind.NotFound, $"There is no container '{workload}' in {host}/{vm}.");

    private static void Violate(ScriptedState state, string what) => state.Violations.Add(what);

    private static ContainerDescription Describe(ScriptedCopy copy) => new(
        copy.Container, copy.Container, copy.Vm,
        copy.State switch { CopyState.Running => ContainerStatus.Running, CopyState.Frozen => ContainerStatus.Paused, _ => ContainerStatus.Created },
        "runc", $"/{copy.Container}", copy.State is CopyState.Running or CopyState.Frozen ? 812 : 0, 1, 4, 64 << 20, "redis-server *:6379");

    /// <summary>Divides the time since the start between the phases.</summary>
    private static EngineReport Report(DateTimeOffset start, params string[] phases)
    {
        double each = (DateTimeOffset.UtcNow - start).TotalMilliseconds / phases.Length;
        return new EngineReport([.. phases.Select((name, i) => new PhaseTiming(name, start.AddMilliseconds(i * each), each))]);
    }
}
