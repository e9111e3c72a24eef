using System.Globalization;
using System.Text.Json;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Engines;

/// <summary>Ends containers as their engines do.</summary>
internal sealed class Stopper(EnginePrograms programs)
{
    private const int Seconds = 10; // as Docker and podman have it
    private const int LastSignal = 64;
    private const int ThawMilliseconds = 5000;
    private const string StopSignal = "org.opencontainers.image.stopSignal"; // image-spec, conversion.md

    /// <exception cref="AgentException">It could not be ended: it is as it was, or as its engine says.</exception>
    public StopResult Stop(StopRequest request, Deadline deadline)
    {
        if (request.Signal is < 1 or > LastSignal || request.Seconds is < 0)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"A container cannot be stopped with signal {request.Signal} within {request.Seconds} s."));
        EngineContainer target = request.Target;
        if (target.Engine == ContainerEngine.Runc)
            return StopOfRunc(request, deadline);
        using PidFile? process = ProcessOf(target);
        // Docker lets one run on that it has paused itself. One that was paused past it would only ever be killed; podman says that it is paused.
        if (target is { Engine: ContainerEngine.Docker, Cgroup: { } cgroup } && Cgroup.At(cgroup) is { Frozen: true } frozen)
            frozen.Thaw(deadline);
        else if (target is { Engine: ContainerEngine.Podman, Cgroup: { } running } && process is not null)
            MendPodmansRecord(target, Cgroup.At(running), deadline);
        if (request.Signal is { } signal && process is not null)
            return StopWith(signal, request, process, deadline);
        programs.Run(target.Engine, ["stop", .. request.Seconds is { } seconds ? (string[])["-t", Text(seconds)] : [], target.Container.ToString()], deadline);
        return new StopResult(WasKilled: false);
    }

    /// <summary>Podman stops nothing that it takes for paused, and does not notice that somebody else has let it run on.</summary>
    private void MendPodmansRecord(EngineContainer target, Cgroup cgroup, Deadline deadline)
    {
        string id = target.Container.ToString();
        if (cgroup.Frozen || programs.TryRun(ContainerEngine.Podman, ["container", "inspect", "--format", "{{.State.Status}}", id], deadline).Output.Trim() != "paused")
            return;
        cgroup.Freeze(deadline);
        try
        {
            programs.Run(ContainerEngine.Podman, ["unpause", id], deadline);
        }
        catch (AgentException)
        {
            cgroup.Thaw(Deadline.After(ThawMilliseconds));
            throw;
        }
    }

    /// <summary>
    /// Docker before 23 and podman take no signal with their <c>stop</c>. A kill makes Docker know, too, that it is not to be started again,
    /// and podman in most versions: not in 4.2 to 4.4, which save that only of a SIGKILL (libpod, Container.Kill).
    /// </summary>
    private StopResult StopWith(int signal, StopRequest request, PidFile process, Deadline deadline)
    {
        EngineContainer target = request.Target;
        string id = target.Container.ToString();
        int seconds = request.Seconds ?? StopTimeoutOf(target, deadline);
        using PidFile? conmon = target.Engine == ContainerEngine.Podman ? ConmonOf(target) : null;
        programs.Run(target.Engine, ["kill", "--signal", Text(signal), id], deadline);
        if (!process.HasEndedWithin(seconds, deadline))
        {
            programs.Run(target.Engine, ["stop", "-t", "0", id], deadline);
            return new StopResult(WasKilled: true);
        }

        // The record is right when this is done. One that is removed when it ends may be gone by then.
        if (target.Engine == ContainerEngine.Docker)
        {
            programs.TryRun(ContainerEngine.Docker, ["wait", id], deadline);
            return new StopResult(WasKilled: false);
        }

        // conmon goes when podman has cleaned up, or has started the container once more: that is ended then.
        conmon?.Wait(deadline);
        programs.TryRun(ContainerEngine.Podman, ["stop", "-t", "0", id], deadline);
        return new StopResult(WasKilled: false);
    }

    /// <summary>What it was made with, <c>--stop-timeout</c>.</summary>
    private int StopTimeoutOf(EngineContainer target, Deadline deadline) =>
        programs.TryRun(target.Engine, ["inspect", "--format", "{{.Config.StopTimeout}}", target.Container.ToString()], deadline) is (0, var made)
        && int.TryParse(made.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int seconds) ? seconds : Seconds;

    /// <summary>Podman's watcher of a container is the parent of its first process.</summary>
    private static PidFile? ConmonOf(EngineContainer target) =>
        target.Process is { } first && KernelFile.TryReadText($"/proc/{first}/status") is { } status
        && status.Split('\n').FirstOrDefault(line => line.StartsWith("PPid:", StringComparison.Ordinal)) is { } parent
        && int.TryParse(parent.AsSpan("PPid:".Length), NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out int pid) && pid > 1
            ? PidFile.TryOpen(new GuestPid(pid))
            : null;

    private StopResult StopOfRunc(StopRequest request, Deadline deadline)
    {
        ContainerId id = request.Target.Container;
        string root = EnginePrograms.RuncRootOf(id);
        RuncContainer found = RuncState.Find(id, _ => null, root)
            ?? throw new AgentException(new AgentError(AgentErrorCode.Unsupported, $"What runc keeps of container {id} cannot be read: it is in cgroups of version 1, or just being made."));
        using PidFile? process = PidFile.TryOpen(found.Pid);
        // Opened, and then seen to be the container's: the number may have been another's meanwhile.
        if (process is null || RuncState.Find(id, _ => null, root) is not { Status: not ContainerStatus.Stopped } living || living.Pid != found.Pid)
            return new StopResult(WasKilled: false);
        string signal = request.Signal is { } number ? Text(number) : StopSignalOf(living.Bundle) ?? "SIGTERM";
        if (programs.TryRun(ContainerEngine.Runc, ["--root", root, "kill", id.ToString(), signal], deadline) is { Code: not 0 } failed && !process.HasEndedWithin(0, deadline))
            throw new AgentException(new AgentError(AgentErrorCode.EngineFailed, $"runc kill {id} with its stop signal ended with code {failed.Code}.", failed.Output));
        Cgroup cgroup = Cgroup.At(living.Cgroup);
        // As docker stop does: it gets the signal when it runs on.
        if (living.Status == ContainerStatus.Paused)
            cgroup.Thaw(deadline);
        if (process.HasEndedWithin(request.Seconds ?? Seconds, deadline))
            return new StopResult(WasKilled: false);
        cgroup.Kill(deadline);
        process.Wait(deadline);
        return new StopResult(WasKilled: true);
    }

    private static PidFile? ProcessOf(EngineContainer target)
    {
        if (target is not { Process: { Value: > 1 } pid, Cgroup: { } path } || PidFile.TryOpen(pid) is not { } process)
            return null;
        string? own = Cgroup.Of(pid.ToString())?.Path;
        if (own is not null && (own == path || own.StartsWith(path + "/", StringComparison.Ordinal)))
            return process;
        process.Dispose();
        return null;
    }

    /// <summary>What the image wanted, as a tool that made the bundle out of an image has written it down.</summary>
    private static string? StopSignalOf(string bundle)
    {
        try
        {
            if (bundle.Length == 0 || KernelFile.TryReadText($"{bundle}/config.json") is not { } text)
                return null;
            using JsonDocument config = JsonDocument.Parse(text);
            return config.RootElement.TryGetProperty("annotations", out JsonElement annotations) && annotations.TryGetProperty(StopSignal, out JsonElement signal) ? signal.GetString() : null;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
