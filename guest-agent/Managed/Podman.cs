using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Managed;

/// <summary>The guest's podman: it makes a container out of an archive.</summary>
internal sealed class Podman(AgentPaths paths, GuestFacts facts, JobStore store) : ManagedEngine("podman", "Podman", facts.Podman, paths, facts, store)
{
    // Of storage alone, too: what a restore that was killed has left, or another program's.
    protected override IReadOnlyList<string> ListAll => ["ps", "--all", "--external", "--no-trunc", "--format", "{{.ID}} {{.Names}}"];

    /// <summary>Has podman make the job's container out of the job's archive; its conmon, runc and criu begin in the job's shelter.</summary>
    /// <param name="job">Whose container it is.</param>
    /// <param name="options">Of <c>podman container restore</c>.</param>
    /// <param name="environment">podman passes it on to conmon, and that to runc.</param>
    /// <param name="deadline">For all of it.</param>
    /// <returns>podman's exit code, and what it has said.</returns>
    public (int Code, string Output) Restore(JobRecord job, IReadOnlyList<string> options, IReadOnlyList<string> environment, Deadline deadline)
    {
        JobPaths files = Paths.Of(job.Job);
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
    public ContainerId RestoreRunning(JobRecord job, ManagedContainer container, RestoreArchiveOptions how, Deadline deadline)
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

    public override bool HasVolume(ContainerId volume, Deadline deadline) => Asks(["volume", "exists", volume.ToString()], deadline);

    /// <inheritdoc/>
    public override void Undo(JobRecord job, Deadline deadline, List<string> removed)
    {
        if (job.Managed is not { } container || !IsHere)
            return;
        string name = (container.Id ?? container.Name).ToString();
        // Of one that has only a name, somebody else's may be there by now, or may have been.
        if (IsInStorage(name, deadline) && (container.Id is not null || MadeAt("container", "{{.Created.Unix}}", name, deadline) >= job.RestoreBegan))
        {
            (int code, string output) = Run(["rm", "--force", "--time", "0", name], deadline);
            // A podman that was killed in the middle has the container in its storage, and not in its database.
            if (IsInStorage(name, deadline) && Run(["rm", "--force", "--storage", name], deadline).Code != 0)
                throw new AgentException(new AgentError(AgentErrorCode.Internal, $"podman rm --force {name} ended with code {code}; the container is still there.", Tail(output)));
            removed.Add($"container {name}");
        }
        foreach (ContainerId volume in container.Volumes)
        {
            // One that was made before, by somebody else, is why podman has refused; those of the job's own go with the job.
            if (!job.Volumes.Contains(volume) && VolumeMadeAt(volume, deadline) >= job.RestoreBegan && Run(["volume", "rm", volume.ToString()], deadline).Code == 0)
                removed.Add($"volume {volume}");
        }
    }

    protected override bool IsSame(ManagedContainer container, string id) => id == container.Id?.ToString();

    // By its id podman makes the container; by its name podman looks whether it must pull it.
    protected override void CheckImage(ManagedContainer container, Deadline deadline)
    {
        if (container.Image is not { } image)
            return;
        string called = container.ImageName is { } by ? $"{by} ({image.ToString()[..12]})" : image.ToString();
        if (!Asks(["image", "exists", image.ToString()], deadline))
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container's image {called} is not in podman's store of this guest: pull or load it there first, or choose another destination."));
        if (container.ImageName is { } name && !Asks(["image", "exists", name.ToString()], deadline))
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container's image is in podman's store of this guest, and not as {name}, by which podman looks for it: podman tag {image.ToString()[..12]} {name}."));
    }

    protected override long? VolumeMadeAt(ContainerId volume, Deadline deadline) => MadeAt("volume", "{{.CreatedAt.Unix}}", volume.ToString(), deadline);

    protected override bool HasContainer(string name, Deadline deadline) => Asks(["container", "exists", name], deadline);

    protected override bool IsNo(int code, string output) => code == 1;

    private bool IsInStorage(string name, Deadline deadline) => Asks(["container", "exists", "--external", name], deadline);

    private long? MadeAt(string kind, string field, string name, Deadline deadline) =>
        Run([kind, "inspect", "--format", field, name], deadline) is (0, var made) && long.TryParse(made.Trim(), out long at) ? at : null;
}
