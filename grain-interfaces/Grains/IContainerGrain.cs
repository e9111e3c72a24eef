using Watari.GrainInterfaces.Model;

namespace Watari.GrainInterfaces;

/// <summary>
/// A container, or a process tree, at its place. Key: <c>HOST/VM/ID</c> or <c>HOST/VM/pid:N</c>. It keeps, on disk, that one job at a
/// time works on the container there: a migration away from the place or to it, or an operation (checkpoint, pause, unpause, kill, stop).
/// </summary>
[Alias("watari.IContainerGrain")]
public interface IContainerGrain : IGrainWithStringKey
{
    /// <summary>Durable: the place is the job's until it is released.</summary>
    /// <returns>Who holds the place now: the job itself, or the one that was there before.</returns>
    [Alias("Claim"), ResponseTimeout("00:00:15")]
    Task<PlaceHolder> ClaimAsync(string job);

    /// <summary>Gives the place up, if the job holds it.</summary>
    [Alias("Release"), ResponseTimeout("00:00:10")]
    Task ReleaseAsync(string job);

    /// <summary>
    /// Saves the container on its host. Ask again with the same key until the answer is finished, also where no answer came. A
    /// checkpoint that its host's silo has not outlived is undone: the container runs again.
    /// </summary>
    /// <exception cref="EngineException">It failed; the container runs as before, unless the message says otherwise.</exception>
    [Alias("Checkpoint"), ResponseTimeout("00:00:15")]
    Task<StepAnswer> CheckpointAsync(StepKey key, CheckpointOptions options, TimeSpan patience);

    /// <summary>
    /// Freezes all of the container, as its runtime's pause does. Ask again with the same key until the answer is finished. One that its
    /// host's silo has not outlived may be done, half done or not done; whichever it is, a pause or an unpause can be asked for anew.
    /// </summary>
    /// <exception cref="EngineException">It failed; the container runs as before, unless the message says otherwise.</exception>
    [Alias("Pause"), ResponseTimeout("00:00:15")]
    Task<StepAnswer> PauseAsync(StepKey key, Actor by, TimeSpan patience);

    /// <summary>Lets the container run on, whoever paused it: asked for as <see cref="PauseAsync"/>.</summary>
    /// <exception cref="EngineException">It failed; the container is as before, unless the message says otherwise.</exception>
    [Alias("Unpause"), ResponseTimeout("00:00:15")]
    Task<StepAnswer> UnpauseAsync(StepKey key, Actor by, TimeSpan patience);

    /// <summary>Sends the container's first process a signal; SIGKILL ends all of it. Asked for as <see cref="PauseAsync"/>.</summary>
    /// <exception cref="EngineException">It failed; the container runs as before, unless the message says otherwise.</exception>
    [Alias("Kill"), ResponseTimeout("00:00:15")]
    Task<StepAnswer> KillAsync(StepKey key, Signal signal, Actor by, TimeSpan patience);

    /// <summary>Has the container's engine end it, by the agent in its VM. Asked for as <see cref="PauseAsync"/>.</summary>
    /// <exception cref="EngineException">It failed; the container runs as before, unless the message says otherwise.</exception>
    [Alias("Stop"), ResponseTimeout("00:00:15")]
    Task<StepAnswer> StopAsync(StepKey key, StopOptions options, TimeSpan patience);

    /// <summary>For what works in the container without holding its place.</summary>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: a job or an operation works on the container.</exception>
    [Alias("RequireFree"), ResponseTimeout("00:00:15")]
    Task RequireFreeAsync();
}

public static class ContainerGrains
{
    public static IContainerGrain GetContainerGrain(this IGrainFactory grains, VmId vm, WorkloadId workload) =>
        grains.GetGrain<IContainerGrain>(KeyOf(vm, workload));

    public static string KeyOf(VmId vm, WorkloadId workload) => $"{vm}/{workload.Container ?? $"pid:{workload.Pid}"}";
}
