using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Managed;

/// <summary>An engine of the guest that keeps containers of its own, Docker or podman: whether it can make one that comes, and the taking away. What both can do their programs are asked for in the same words.</summary>
/// <param name="program">Its program's name.</param>
/// <param name="title">The same, as a sentence begins with it.</param>
/// <param name="path">Its program's file; null where there is none.</param>
internal abstract class ManagedEngine(string program, string title, string? path, AgentPaths paths, GuestFacts facts, JobStore store)
{
    private const int MostLogBytes = 8 << 10;
    private const int BetweenTries = 200; // ms

    /// <summary>There is one in this guest.</summary>
    public bool IsHere => path is not null;

    /// <summary>
    /// What the engine itself would say in the middle of a restore is said here, before anything stands still: it cannot do without the image,
    /// and gives no id, no name and no volume's name twice.
    /// </summary>
    /// <param name="container">What is to be made.</param>
    /// <param name="job">For which job; null for none yet.</param>
    /// <param name="deadline">For all of it.</param>
    /// <exception cref="AgentException">It cannot be made, and what to do.</exception>
    public void Check(ManagedContainer container, JobId? job, Deadline deadline)
    {
        _ = Program;
        if (facts.Runc is null)
            throw Unusable($"There is no runc in this guest, by which alone {program} restores: install it, or choose another destination.");
        if (store.HolderOf(container, job) is { } holder)
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Container {container.Name}, or a volume of it, is being made here by job {holder}."));
        CheckEngine(container, deadline);
        CheckRoom(container);
        CheckImage(container, deadline);
        foreach (string line in Lines(ListAll, deadline))
        {
            string[] fields = line.Split(' ', 2);
            if (IsSame(container, fields[0]) || (fields.Length > 1 && fields[1].Split(',').Contains(container.Name.ToString())))
                throw NameTaken(container.Name);
        }
        CheckVolumes(container, deadline);
    }

    /// <exception cref="AgentException">container-exists: there is a volume of such a name.</exception>
    public void CheckVolumes(ManagedContainer container, Deadline deadline)
    {
        if (container.Volumes.Count == 0)
            return;
        HashSet<string> volumes = [.. Lines(["volume", "ls", "--format", "{{.Name}}"], deadline)];
        if (container.Volumes.FirstOrDefault(volume => volumes.Contains(volume.ToString())) is { } taken && taken != default)
            throw VolumeTaken(taken, "already");
    }

    public abstract bool HasVolume(ContainerId volume, Deadline deadline);

    /// <exception cref="AgentException">container-exists: there is one of that name; or the engine could not.</exception>
    public void CreateVolume(ContainerId volume, Deadline deadline)
    {
        (int code, string output) = Run(["volume", "create", volume.ToString()], deadline);
        if (code == 0)
            return;
        throw HasVolume(volume, deadline)
            ? VolumeTaken(volume, "by now")
            : new AgentException(new AgentError(AgentErrorCode.EngineFailed, $"{title} could not make volume {volume} in this guest (code {code}).", Tail(output)));
    }

    /// <summary>Where the files of volumes are.</summary>
    public IReadOnlyDictionary<ContainerId, string> DirectoriesOf(IReadOnlyList<ContainerId> volumes, Deadline deadline)
    {
        Dictionary<ContainerId, string> directories = [];
        string[] told = volumes.Count == 0 ? [] : Lines(["volume", "inspect", "--format", "{{.Name}} {{.Mountpoint}}", .. volumes.Select(volume => volume.ToString())], deadline);
        foreach (string[] fields in told.Select(line => line.Split(' ', 2)))
        {
            // What the engine warns of stands between.
            if (fields.Length == 2 && ContainerId.TryParse(fields[0], out ContainerId volume) && volumes.Contains(volume) && Path.IsPathRooted(fields[1]))
                directories[volume] = fields[1];
        }
        return directories.Count == volumes.Count ? directories
            : throw new AgentException(new AgentError(AgentErrorCode.EngineFailed, $"{title} does not say where its volumes {string.Join(", ", volumes)} are.", string.Join('\n', told)));
    }

    /// <summary>Removes volumes that were made since.</summary>
    /// <exception cref="AgentException">One cannot be removed.</exception>
    public void RemoveVolumes(IReadOnlyList<ContainerId> volumes, long sinceUnixSeconds, Deadline deadline, List<string> removed)
    {
        foreach (ContainerId volume in volumes.Where(volume => VolumeMadeAt(volume, deadline) >= sinceUnixSeconds))
        {
            if (Run(["volume", "rm", volume.ToString()], deadline) is { Code: not 0 } kept && HasVolume(volume, deadline))
                throw new AgentException(new AgentError(AgentErrorCode.Internal, $"{program} volume rm {volume} ended with code {kept.Code}; the volume is still there.", Tail(kept.Output)));
            removed.Add($"volume {volume}");
        }
    }

    /// <summary>Takes away what a restore has made, finished or not: the container, its records, its volumes. None of it was there before.</summary>
    /// <param name="job">One whose restore has begun.</param>
    /// <param name="deadline">For all of it.</param>
    /// <param name="removed">Is told.</param>
    public abstract void Undo(JobRecord job, Deadline deadline, List<string> removed);

    /// <summary>Has the engine forget a container that has ended, and its volumes.</summary>
    /// <returns>What is left of it, a clause each.</returns>
    public IReadOnlyList<string> Remove(ManagedContainer container, Deadline deadline)
    {
        string name = (container.Id ?? container.Name).ToString();
        // Not by force: one that runs was started anew since. That it has ended its watcher may not have told the engine yet.
        while (Run(["rm", name], deadline) is { Code: not 0 } kept && HasContainer(name, deadline))
        {
            if (container.Id is { } id && Runs(id.ToString(), deadline))
                return [$"container {container.Name}, which was started there again and runs beside the one that was moved ({program} stop {container.Name})"];
            if (Deadline.Now + BetweenTries >= deadline.At)
                return [$"container {container.Name} ({Tail(kept.Output).Trim()})"];
            _ = deadline.Within(BetweenTries).TryWaitAny([], Libc.POLLIN, $"{program} knew that the container has ended");
        }
        List<string> left = [];
        foreach (ContainerId volume in container.Volumes)
        {
            if (Run(["volume", "rm", volume.ToString()], deadline) is { Code: not 0 } used && HasVolume(volume, deadline))
                left.Add($"volume {volume} ({Tail(used.Output).Trim()})");
        }
        return left;
    }

    protected static List<string> Environment => EnvironmentList.OfShell();

    protected AgentPaths Paths => paths;

    protected string Program => path ?? throw Unusable($"There is no {program} in this guest: install it, or choose another destination.");

    /// <summary>Lists all containers: of each its id, a space, and its names with commas between them.</summary>
    protected abstract IReadOnlyList<string> ListAll { get; }

    /// <summary>A container that is there would be in the way by its id.</summary>
    protected virtual bool IsSame(ManagedContainer container, string id) => false;

    /// <summary>What there is to be said of the engine itself.</summary>
    protected virtual void CheckEngine(ManagedContainer container, Deadline deadline)
    {
    }

    /// <exception cref="AgentException">no-image.</exception>
    protected abstract void CheckImage(ManagedContainer container, Deadline deadline);

    /// <summary>Seconds since 1970; null where there is none.</summary>
    protected abstract long? VolumeMadeAt(ContainerId volume, Deadline deadline);

    protected abstract bool HasContainer(string name, Deadline deadline);

    /// <summary>Its first process lives: what the engine has written of it may be of one that has ended.</summary>
    private bool Runs(string id, Deadline deadline) =>
        Run(["container", "inspect", "--format", "{{.State.Pid}}", id], deadline) is (0, var pid) && int.TryParse(pid.Trim(), out int first) && first > 0
        && Cgroups.Cgroup.Of(pid.Trim())?.Path.Contains(id, StringComparison.Ordinal) == true;

    /// <summary>A question that is answered by the exit code.</summary>
    protected bool Asks(IReadOnlyList<string> question, Deadline deadline) => Run(question, deadline) switch
    {
        (0, _) => true,
        (var code, var output) => IsNo(code, output) ? false : throw Failed(question, code, output),
    };

    /// <summary>The engine has said no, and not that it failed.</summary>
    protected abstract bool IsNo(int code, string output);

    protected string[] Lines(IReadOnlyList<string> question, Deadline deadline) => Run(question, deadline) switch
    {
        (0, var output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries),
        (var code, var output) => throw Failed(question, code, output),
    };

    protected (int Code, string Output) Run(IReadOnlyList<string> arguments, Deadline deadline) => ChildProcess.Run(Program, [program, .. arguments], Environment, deadline);

    protected static string Tail(string output) => output.Length <= MostLogBytes ? output : output[^MostLogBytes..];

    protected AgentException NameTaken(ContainerId name) =>
        new(new AgentError(AgentErrorCode.ContainerExists, $"{title} has a container {name} in this guest already: remove it ({program} rm {name}), or choose another destination or name."));

    protected static AgentException Unusable(string why) => new(new AgentError(AgentErrorCode.CriuUnusable, why));

    private AgentException VolumeTaken(ContainerId volume, string since) =>
        new(new AgentError(AgentErrorCode.ContainerExists, $"{title} has a volume {volume} in this guest {since}, and the container brings one: remove it ({program} volume rm {volume}), or choose another destination."));

    // Once as what comes, once as what is made of it.
    private void CheckRoom(ManagedContainer container)
    {
        long available = new DriveInfo(paths.Archives).AvailableFreeSpace;
        if (available / 2 < container.FileBytes)
            throw new AgentException(new AgentError(AgentErrorCode.NotEnoughDisk, $"The container's files are {container.FileBytes >> 20} MiB, need twice that here, and {available >> 20} MiB are free on this guest's disk: make room, or choose another destination."));
    }

    private AgentException Failed(IReadOnlyList<string> question, int code, string output) =>
        new(new AgentError(AgentErrorCode.Internal, $"{program} {question[0]} {question[1]} ended with code {code}.", Tail(output)));
}

/// <summary>The engines of the guest.</summary>
internal sealed class ManagedEngines(AgentPaths paths, GuestFacts facts, JobStore store)
{
    public Podman Podman { get; } = new(paths, facts, store);

    public Docker Docker { get; } = new(paths, facts, store);

    /// <exception cref="AgentException">bad-request: it keeps no containers of its own.</exception>
    public ManagedEngine Of(ManagedContainer container) => container.Engine switch
    {
        ContainerEngine.Docker => Docker,
        ContainerEngine.Podman => Podman,
        _ => throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"Container {container.Name} is neither Docker's nor podman's.")),
    };
}
