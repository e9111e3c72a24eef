using System.Text.Json;
using System.Text.Json.Serialization;
using Watari.Client.Commands;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Output;

// What -o json and -o yaml print: a contract with scripts, held by golden files. Times are UTC, sizes bytes, durations milliseconds.

internal sealed record HostView(string Name, string Status, int Cores, long MemoryBytes, double LoadAverage, int Vms, string Version, string? Problem)
{
    public static HostView Of(HostDescription host) => new(
        host.Name, host.Problem is null ? "up" : "unreachable", host.Cores, host.MemoryBytes, host.LoadAverage, host.VmCount, host.Version, host.Problem);
}

internal sealed record VmView(
    string Name, string Host, string Status, int VirtualCpus, long MemoryBytes, string Accelerator, string? Ram, string? KernelRelease, string? AgentVersion, int Containers, string? Problem)
{
    public static VmView Of(VmDescription vm) => new(
        vm.Id.Vm, vm.Id.Host, Words.Of(vm.Status), vm.VirtualCpus, vm.MemoryBytes, vm.Accelerator, vm.Ram, vm.KernelRelease, vm.AgentVersion, vm.ContainerCount, vm.Problem);
}

/// <param name="Docker">Of a container of Docker: its line of <c>docker ps -a --no-trunc --format json</c>.</param>
/// <param name="Podman">Of a container of podman: its object of <c>podman ps -a --format json</c>.</param>
internal sealed record ContainerView(
    string Id, string Name, string Host, string Vm, string Status, string Runtime, string? Image, string? ImageId, string Command, DateTimeOffset? Created, DateTimeOffset? Started,
    DateTimeOffset? Finished, int? ExitCode, string? Health, string Cgroup, int? Pid, int Processes, int Threads, long ResidentBytes, string? Contradiction, JsonElement? Docker, JsonElement? Podman)
{
    public static ContainerView Of(ContainerDescription container) => new(
        container.Id, container.Name, container.Vm.Host, container.Vm.Vm, Words.Of(container.Status), container.Runtime, container.Details?.Image, container.Details?.ImageId,
        container.Command, container.Details?.Created, container.Details?.Started, container.Details?.Finished, container.Details?.ExitCode, container.Details?.Health,
        container.CgroupPath, container.Runs ? container.InitPid : null, container.Processes, container.Threads, container.ResidentBytes, container.Contradiction,
        container.Runtime == "docker" ? Parse(container.DockerRow) : null, Parse(container.PodmanRow));

    /// <summary>What a table shows of it.</summary>
    [JsonIgnore]
    public PsRow Row { get; init; }

    private static JsonElement? Parse(string? json) => json is null ? null : JsonElement.Parse(json);
}

internal sealed record ImageView(string? Repository, string? Tag, string Id, string Host, string Vm, string Runtime, DateTimeOffset? Created, long? SizeBytes)
{
    public static ImageView Of(ImageDescription image) => new(image.Repository, image.Tag, image.Id, image.Vm.Host, image.Vm.Vm, image.Runtime, image.Created, image.Size);
}

internal sealed record JobView(
    string Id, string Workload, string From, string To, string State, string Activity, DateTimeOffset ActiveSince, DateTimeOffset Created, DateTimeOffset? Ended, string? Failure,
    string? Problem)
{
    public static JobView Of(JobSummary job) => new(
        job.Id, job.Workload.ToString(), job.Source.ToString(), job.Destination.ToString(), Words.Of(job.State), Words.Of(job.Activity), job.ActiveSince,
        job.Created, job.Ended, job.Failure, job.Problem);

    /// <summary>Its state; what it does instead, where it has left the way of the states.</summary>
    [JsonIgnore]
    public string Status => Activity is "migrating" or "ended" ? State : Activity;
}

internal sealed record PhaseView(string Name, double Milliseconds)
{
    public static PhaseView Of(PhaseTiming phase) => new(phase.Name, Math.Round(phase.Milliseconds, 3));
}

internal sealed record TransferView(long TotalBytes, long TransferredBytes, long NormalPages, long ZeroPages, long RemainingBytes)
{
    public static TransferView Of(TransferStatistics t) => new(t.Total, t.Transferred, t.Normal, t.Zero, t.Remaining);
}

internal sealed record VolumesView(long AheadBytes, long WithinBytes)
{
    public static VolumesView Of(VolumeStatistics volumes) => new(volumes.Ahead, volumes.Within);
}

internal sealed record DowntimeView(double Milliseconds, IReadOnlyList<PhaseView> Parts);

internal sealed record FailureView(string Kind, string During, string Message);

internal sealed record StateView(string State, DateTimeOffset At);

internal sealed record MigrationView(
    string Id, string Workload, string From, string To, string State, string Whereabouts, int Epoch, DateTimeOffset Created, DateTimeOffset? Ended, double? Milliseconds,
    DowntimeView? Downtime, IReadOnlyList<PhaseView> Phases, TransferView? Transfer, VolumesView? Volumes, FailureView? Failure, string? Problem, string? Left, IReadOnlyList<StateView> History)
{
    public static MigrationView Of(MigrationJob job) => new(
        job.Id,
        job.Request.Workload.ToString(),
        job.Request.Source.ToString(),
        job.Request.Destination.ToString(),
        Words.Of(job.State),
        job.Whereabouts,
        job.Epoch.Value,
        job.Created,
        job.IsTerminal ? job.Updated : null,
        job.IsTerminal ? Math.Round((job.Updated - job.Created).TotalMilliseconds, 3) : null,
        job.Downtime is { } d ? new DowntimeView(Math.Round(d.Milliseconds, 3), [.. d.Parts.Select(PhaseView.Of)]) : null,
        [.. job.Phases.Select(PhaseView.Of)],
        job.Transfer is { } t ? TransferView.Of(t) : null,
        job.Volumes is { } v ? VolumesView.Of(v) : null,
        job.Failure is { } f ? new FailureView(Words.Of(f.Kind), Words.Of(f.During), f.Message) : null,
        job.Problem,
        job.Left,
        [.. job.History.Select(h => new StateView(Words.Of(h.State), h.At))]);
}

internal sealed record VerdictView(string Verdict, string Subject, string Reason)
{
    public static VerdictView Of(ObjectVerdict verdict) => new(Words.Of(verdict.Kind), verdict.Subject, verdict.Reason);
}

internal sealed record PlanView(string Workload, string From, string To, bool Accepted, string? Refusal, int CarriedObjects, long ResidentBytes, string KernelRelease, ManagedView? Managed, IReadOnlyList<VerdictView> Objects)
{
    public static PlanView Of(MigrationRequest request, MigrationPlan plan) => new(
        request.Workload.ToString(), request.Source.ToString(), request.Destination.ToString(), plan.Refusal is null, plan.Refusal, plan.Source.CarriedObjects,
        plan.Source.ResidentBytes, plan.Source.KernelRelease, ManagedView.Of(plan.Source.Managed), [.. plan.Source.Objections.Select(VerdictView.Of)]);
}

/// <summary>Of a container of Docker's or podman's: what its destination must have, and what comes along.</summary>
internal sealed record ManagedView(string Engine, string Name, string ImageId, string? Image, IReadOnlyList<string> Volumes, long FileBytes)
{
    public static ManagedView? Of(ManagedContainer? container) =>
        container is null ? null : new(container.Engine, container.Name, container.ImageId, container.ImageName, container.Volumes, container.FileBytes);
}

internal sealed record CheckpointView(
    string Workload, string Vm, string Host, string Path, IReadOnlyList<PhaseView> Phases, TransferView? Pages, IReadOnlyList<VerdictView> Objects);

internal sealed record RestoreView(string Container, string? Name, string Vm, string Host, string Path, IReadOnlyList<PhaseView> Phases);

/// <param name="Signal">Of a kill, and of a stop that was given one: the signal; else null.</param>
/// <param name="By">outside or agent.</param>
internal sealed record ControlView(string Name, string Id, string Host, string Vm, string Action, string? Signal, string By, double Milliseconds, IReadOnlyList<string> Notes)
{
    public static ControlView Of(ContainerDescription container, string action, Signal? signal, Actor by, EngineReport report) => new(
        container.Name, container.Id, container.Vm.Host, container.Vm.Vm, action, signal?.ToString(), Words.Of(by),
        Math.Round(report.Phases.Sum(phase => phase.Milliseconds), 3), [.. (report.Objections ?? []).Select(note => $"{note.Subject} {note.Reason}")]);
}

internal sealed record LocalVmView(string Name, string Host, string Status, int? Pid, int VirtualCpus, int MemoryMiB, string Accelerator, string Image, string Directory);

internal sealed record CheckView(string Subject, string Result, string Finding, string? Remedy)
{
    public static CheckView Of(VmCheck check) => new(check.Subject, Words.Of(check.Level), check.Finding, check.Remedy);
}

internal sealed record ExaminationView(string Vm, string Host, bool Fit, IReadOnlyList<CheckView> Checks)
{
    public static ExaminationView Of(VmExamination found) => new(
        found.Vm.Vm, found.Vm.Host, found.Checks.All(check => check.Level != CheckLevel.Problem), [.. found.Checks.Select(CheckView.Of)]);
}

internal sealed record ProcessView(
    int Pid, int ContainerPid, int ParentPid, uint UserId, string State, int Threads, double CpuMilliseconds, DateTimeOffset Started, long ResidentBytes, string Command)
{
    public static ProcessView Of(ProcessDescription process) => new(
        process.Pid, process.ContainerPid, process.ParentPid, process.UserId, process.State.ToString(), process.Threads, Math.Round(process.CpuTime.TotalMilliseconds, 3),
        process.Started.ToUniversalTime(), process.ResidentBytes, process.Command);
}

/// <param name="CpuPercent">Of one processor, since the sample before; null for what its cgroup does not keep, and the figures after it too.</param>
/// <param name="CpuPressurePercent">Of the last ten seconds in which something waited for a processor.</param>
internal sealed record UsageView(
    string Id, string Name, string Host, string Vm, double? CpuPercent, long? MemoryBytes, long? MemoryLimitBytes, double? MemoryPercent, long? Tasks,
    double? CpuPressurePercent, double? MemoryPressurePercent, double? IoPressurePercent)
{
    /// <param name="before">The same container's, of an earlier sample; null where it was not there yet.</param>
    public static UsageView Of(VmId vm, ContainerUsage usage, ContainerUsage? before, TimeSpan passed) => new(
        usage.Id, usage.Name, vm.Host, vm.Vm,
        usage.CpuTime is { } now ? Math.Round(passed > TimeSpan.Zero ? Math.Max(0, (now - (before?.CpuTime ?? now)) / passed * 100) : 0, 2) : null,
        usage.MemoryBytes, usage.MemoryLimit,
        usage is { MemoryBytes: { } used, MemoryLimit: > 0 and { } limit } ? Math.Round(100.0 * used / limit, 2) : null,
        usage.Tasks, usage.CpuPressure, usage.MemoryPressure, usage.IoPressure);
}

/// <param name="ExitCode">Of a die, where it is known.</param>
/// <param name="OldName">Of a rename.</param>
/// <param name="Job">Of what Watari has done.</param>
internal sealed record EventView(DateTimeOffset Time, string Event, string Id, string Name, string Host, string Vm, string Runtime, string? Image, int? ExitCode, string? OldName, string? Job)
{
    public static EventView Of(ContainerEvent happened) => new(
        happened.At.ToUniversalTime(), Words.Of(happened.Kind), happened.Container, happened.Name, happened.Vm.Host, happened.Vm.Vm, happened.Runtime, happened.Image, happened.ExitCode,
        happened.OldName, happened.Job);
}

/// <param name="Time">Seconds since boot.</param>
/// <param name="At">By the guest's wall clock, where that was asked for.</param>
internal sealed record LogEntryView(ulong Sequence, string Time, DateTimeOffset? At, string Facility, string Level, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<HostView>))]
[JsonSerializable(typeof(IReadOnlyList<VmView>))]
[JsonSerializable(typeof(IReadOnlyList<ContainerView>))]
[JsonSerializable(typeof(IReadOnlyList<ImageView>))]
[JsonSerializable(typeof(IReadOnlyList<JobView>))]
[JsonSerializable(typeof(IReadOnlyList<LocalVmView>))]
[JsonSerializable(typeof(IReadOnlyList<CheckView>))]
[JsonSerializable(typeof(IReadOnlyList<ProcessView>))]
[JsonSerializable(typeof(IReadOnlyList<UsageView>))]
[JsonSerializable(typeof(ExaminationView))]
[JsonSerializable(typeof(LogEntryView))]
[JsonSerializable(typeof(MigrationView))]
[JsonSerializable(typeof(PlanView))]
[JsonSerializable(typeof(CheckpointView))]
[JsonSerializable(typeof(RestoreView))]
[JsonSerializable(typeof(IReadOnlyList<ControlView>))]
internal sealed partial class Views : JsonSerializerContext;

/// <summary>What is printed as a stream: a line for each.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(EventView))]
internal sealed partial class Lines : JsonSerializerContext;
