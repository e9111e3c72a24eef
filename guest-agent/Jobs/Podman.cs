using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>The guest's podman: whether it can make a container out of an archive, the making, and the taking away.</summary>
internal sealed class Podman(AgentPaths paths, GuestFacts facts, JobStore store)
{
    public const string SearchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    private const int MostLogBytes = 8 << 10;
    private const int BetweenTries = 200; // ms

    /// <summary>
    /// What podman itself would say in the middle of a restore is said here, before anything stands still: it cannot do without the image,
    /// and gives no id, no name and no volume's name twice.
    /// </summary>
    /// <param name="container">What is to be made.</param>
    /// <param name="job">For which job; null for none yet.</param>
    /// <param name="deadline">For all of it.</param>
    /// <exception cref="AgentException">It cannot be made, and what to do.</exception>
    public void Check(PodmanContainer container, JobId? job, Deadline deadline)
    {
        _ = Program;
        if (facts.Runc is null)
            throw new AgentException(new AgentError(AgentErrorCode.CriuUnusable, "There is no runc in this guest, by which alone podman restores: install it, or choose another destination."));
        if (store.HolderOf(container, job) is { } holder)
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Container {container.Name}, or a volume of it, is being made here by job {holder}."));
        CheckRoom(container);
        CheckImage(container, deadline);
        // Of storage alone, too: what a restore that was killed has left, or another program's.
        foreach (string line in Lines(["ps", "--all", "--external", "--no-trunc", "--format", "{{.ID}} {{.Names}}"], deadline))
        {
            string[] fields = line.Split(' ', 2);
            if (fields[0] == container.Id?.ToString() || (fields.Length > 1 && fields[1].Split(',').Contains(container.Name.ToString())))
                throw new AgentException(new AgentError(AgentErrorCode.ContainerExists, $"Podman has a container {container.Name} in this guest already: remove it (podman rm {container.Name}), or choose another destination or name."));
        }
        CheckVolumes(container, deadline);
    }

    /// <exception cref="AgentException">container-exists: there is a volume of such a name.</exception>
    public void CheckVolumes(PodmanContainer container, Deadline deadline)
    {
        if (container.Volumes.Count == 0)
            return;
        HashSet<string> volumes = [.. Lines(["volume", "ls", "--format", "{{.Name}}"], deadline)];
        if (container.Volumes.FirstOrDefault(volume => volumes.Contains(volume.ToString())) is { } taken && taken != default)
            throw new AgentException(new AgentError(AgentErrorCode.ContainerExists, $"Podman has a volume {taken} in this guest already, and the container brings one: remove it (podman volume rm {taken}), or choose another destination."));
    }

    public bool HasVolume(ContainerId volume, Deadline deadline) => Asks(["volume", "exists", volume.ToString()], deadline);

    /// <exception cref="AgentException">container-exists: there is one of that name; or podman could not.</exception>
    public void CreateVolume(ContainerId volume, Deadline deadline)
    {
        (int code, string output) = Run(["volume", "create", volume.ToString()], deadline);
        if (code == 0)
            return;
        throw new AgentException(HasVolume(volume, deadline)
            ? new AgentError(AgentErrorCode.ContainerExists, $"Podman has a volume {volume} in this guest by now, and the container brings one: remove it (podman volume rm {volume}), or choose another destination.")
            : new AgentError(AgentErrorCode.EngineFailed, $"Podman could not make volume {volume} in this guest (code {code}).", Tail(output)));
    }

    /// <summary>Where the files of volumes are.</summary>
    public IReadOnlyDictionary<ContainerId, string> DirectoriesOf(IReadOnlyList<ContainerId> volumes, Deadline deadline)
    {
        Dictionary<ContainerId, string> directories = [];
        string[] told = volumes.Count == 0 ? [] : Lines(["volume", "inspect", "--format", "{{.Name}} {{.Mountpoint}}", .. volumes.Select(volume => volume.ToString())], deadline);
        foreach (string[] fields in told.Select(line => line.Split(' ', 2)))
        {
            // What podman warns of stands between.
            if (fields.Length == 2 && ContainerId.TryParse(fields[0], out ContainerId volume) && volumes.Contains(volume) && Path.IsPathRooted(fields[1]))
                directories[volume] = fields[1];
        }
        return directories.Count == volumes.Count ? directories
            : throw new AgentException(new AgentError(AgentErrorCode.EngineFailed, $"Podman does not say where its volumes {string.Join(", ", volumes)} are.", string.Join('\n', told)));
    }

    /// <summary>Removes volumes that were made since.</summary>
    /// <exception cref="AgentException">One cannot be removed.</exception>
    public void RemoveVolumes(IReadOnlyList<ContainerId> volumes, long sinceUnixSeconds, Deadline deadline, List<string> removed)
    {
        foreach (ContainerId volume in volumes.Where(volume => MadeSince("volume", "{{.CreatedAt.Unix}}", volume.ToString(), sinceUnixSeconds, deadline)))
        {
            if (Run(["volume", "rm", volume.ToString()], deadline) is { Code: not 0 } kept && HasVolume(volume, deadline))
                throw new AgentException(new AgentError(AgentErrorCode.Internal, $"podman volume rm {volume} ended with code {kept.Code}; the volume is still there.", Tail(kept.Output)));
            removed.Add($"volume {volume}");
        }
    }

    /// <summary>Has podman make the job's container out of the job's archive; its conmon, runc and criu begin in the job's shelter.</summary>
    /// <param name="job">Whose container it is.</param>
    /// <param name="options">Of <c>podman container restore</c>.</param>
    /// <param name="environment">podman passes it on to conmon, and that to runc.</param>
    /// <param name="deadline">For all of it.</param>
    /// <returns>podman's exit code, and what it has said.</returns>
    public (int Code, string Output) Restore(JobRecord job, IReadOnlyList<string> options, IReadOnlyList<string> environment, Deadline deadline)
    {
        JobPaths files = paths.Of(job.Job);
        if (!File.Exists(files.Archive))
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"The archive of job {job.Job} was not put here: put it first."));
        // What podman mounts stays, for the container is its own.
        using KernelFile log = KernelFile.Open(files.RuncLog, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC, 0x180);
        using ChildProcess child = Launcher.Start(
            job.Shelter, privateMounts: false, Program, ["podman", "--runtime", "runc", "container", "restore", "--import", files.Archive, .. options], environment, log);
        int code = child.Wait(deadline, "podman restored the container");
        return (code, KernelFile.ReadText(files.RuncLog));
    }

    /// <summary>Likewise, to its end: the container runs.</summary>
    /// <returns>The container's id.</returns>
    /// <exception cref="AgentException">Podman could not; what it has left is still there.</exception>
    public ContainerId RestoreRunning(JobRecord job, PodmanContainer container, RestoreArchiveOptions how, Deadline deadline)
    {
        List<string> options = [];
        if (container.Id is null)
            options.AddRange(["--name", container.Name.ToString()]);
        if (how.IgnoreVolumes)
            options.Add("--ignore-volumes");
        if (how.TcpEstablished)
            options.Add("--tcp-established");
        if (how.FileLocks)
            options.Add("--file-locks");
        (int code, string output) = Restore(job, options, Environment, deadline);
        if (code != 0)
            throw new AgentException(new AgentError(AgentErrorCode.RestoreFailed, $"podman container restore ended with code {code}."));
        // It prints the id last; what it pulls or warns of comes before.
        string last = output.TrimEnd().Split('\n')[^1].Trim();
        return ContainerId.TryParse(last, out ContainerId id) ? id
            : throw new AgentException(new AgentError(AgentErrorCode.RestoreFailed, "podman container restore has not said which container it made."));
    }

    /// <summary>Takes away what a restore has made, finished or not: the container, its records, its volumes. None of it was there before.</summary>
    /// <param name="job">One whose restore has begun.</param>
    /// <param name="deadline">For all of it.</param>
    /// <param name="removed">Is told.</param>
    public void Undo(JobRecord job, Deadline deadline, List<string> removed)
    {
        if (job.Podman is not { } container || facts.Podman is null)
            return;
        string name = (container.Id ?? container.Name).ToString();
        // Of one that has only a name, somebody else's may be there by now, or may have been.
        if (Asks(["container", "exists", "--external", name], deadline) && (container.Id is not null || MadeSince("container", "{{.Created.Unix}}", name, job.RestoreBegan, deadline)))
        {
            (int code, string output) = Run(["rm", "--force", "--time", "0", name], deadline);
            // A podman that was killed in the middle has the container in its storage, and not in its database.
            if (Asks(["container", "exists", "--external", name], deadline) && Run(["rm", "--force", "--storage", name], deadline).Code != 0)
                throw new AgentException(new AgentError(AgentErrorCode.Internal, $"podman rm --force {name} ended with code {code}; the container is still there.", Tail(output)));
            removed.Add($"container {name}");
        }
        foreach (ContainerId volume in container.Volumes)
        {
            // One that was made before, by somebody else, is why podman has refused; those of the job's own go with the job.
            if (!job.Volumes.Contains(volume) && MadeSince("volume", "{{.CreatedAt.Unix}}", volume.ToString(), job.RestoreBegan, deadline) && Run(["volume", "rm", volume.ToString()], deadline).Code == 0)
                removed.Add($"volume {volume}");
        }
    }

    /// <summary>Has podman forget a container that has ended, and its volumes.</summary>
    /// <returns>What is left of it, a clause each.</returns>
    public IReadOnlyList<string> Remove(PodmanContainer container, Deadline deadline)
    {
        string name = (container.Id ?? container.Name).ToString();
        // Not by force: one that runs was started anew since. That it has ended conmon may not have told podman yet.
        while (Run(["rm", name], deadline) is { Code: not 0 } kept && Asks(["container", "exists", name], deadline))
        {
            if (container.Id is { } id && Runs(id.ToString(), deadline))
                return [$"container {container.Name}, which was started there again and runs beside the one that was moved (podman stop {container.Name})"];
            if (Deadline.Now + BetweenTries >= deadline.At)
                return [$"container {container.Name} ({Tail(kept.Output).Trim()})"];
            Thread.Sleep(BetweenTries);
        }
        List<string> left = [];
        foreach (ContainerId volume in container.Volumes)
        {
            if (Run(["volume", "rm", volume.ToString()], deadline) is { Code: not 0 } used && HasVolume(volume, deadline))
                left.Add($"volume {volume} ({Tail(used.Output).Trim()})");
        }
        return left;
    }

    private static List<string> Environment => EnvironmentList.With(("PATH", SearchPath), ("HOME", "/root"));

    private string Program =>
        facts.Podman ?? throw new AgentException(new AgentError(AgentErrorCode.CriuUnusable, "There is no podman in this guest: install it, or choose another destination."));

    // Once as the archive, once as what it is unpacked to.
    private void CheckRoom(PodmanContainer container)
    {
        long available = new DriveInfo(paths.Archives).AvailableFreeSpace;
        if (available / 2 < container.FileBytes)
            throw new AgentException(new AgentError(AgentErrorCode.NotEnoughDisk, $"The container's files are {container.FileBytes >> 20} MiB, need twice that here, and {available >> 20} MiB are free on this guest's disk: make room, or choose another destination."));
    }

    // By its id podman makes the container; by its name podman looks whether it must pull it.
    private void CheckImage(PodmanContainer container, Deadline deadline)
    {
        if (container.Image is not { } image)
            return;
        string called = container.ImageName is { } by ? $"{by} ({image.ToString()[..12]})" : image.ToString();
        if (!Asks(["image", "exists", image.ToString()], deadline))
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container's image {called} is not in podman's store of this guest: pull or load it there first, or choose another destination."));
        if (container.ImageName is { } name && !Asks(["image", "exists", name.ToString()], deadline))
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container's image is in podman's store of this guest, and not as {name}, by which podman looks for it: podman tag {image.ToString()[..12]} {name}."));
    }

    private bool MadeSince(string kind, string field, string name, long? unixSeconds, Deadline deadline) =>
        Run([kind, "inspect", "--format", field, name], deadline) is (0, var made) && long.TryParse(made.Trim(), out long at) && at >= unixSeconds;

    /// <summary>Its first process lives: what podman has written of it may be of one that has ended.</summary>
    private bool Runs(string id, Deadline deadline) =>
        Run(["container", "inspect", "--format", "{{.State.Pid}}", id], deadline) is (0, var pid) && int.TryParse(pid.Trim(), out int first) && first > 0
        && Cgroup.Of(pid.Trim())?.Path.Contains(id, StringComparison.Ordinal) == true;

    /// <summary>A question of podman's that is answered by its exit code.</summary>
    private bool Asks(IReadOnlyList<string> question, Deadline deadline) => Run(question, deadline) switch
    {
        (0, _) => true,
        (1, _) => false,
        (var code, var output) => throw Failed(question, code, output),
    };

    private string[] Lines(IReadOnlyList<string> question, Deadline deadline) => Run(question, deadline) switch
    {
        (0, var output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries),
        (var code, var output) => throw Failed(question, code, output),
    };

    private (int Code, string Output) Run(IReadOnlyList<string> arguments, Deadline deadline) => ChildProcess.Run(Program, ["podman", .. arguments], Environment, deadline);

    private static AgentException Failed(IReadOnlyList<string> question, int code, string output) =>
        new(new AgentError(AgentErrorCode.Internal, $"podman {question[0]} {question[1]} ended with code {code}.", Tail(output)));

    private static string Tail(string output) => output.Length <= MostLogBytes ? output : output[^MostLogBytes..];
}
