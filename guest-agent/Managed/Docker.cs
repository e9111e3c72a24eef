using System.Globalization;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.StandIn;
using Watari.GuestAgent.Volumes;

namespace Watari.GuestAgent.Managed;

/// <summary>
/// The guest's Docker. It makes a container as it makes any, and starts it; what it has containerd call for runc then is a stand-in that
/// restores instead (see <see cref="RuncStandIn"/>). Docker's own start from a checkpoint is for daemons in experimental mode alone.
/// </summary>
internal sealed class Docker(AgentPaths paths, GuestFacts facts, JobStore store) : ManagedEngine("docker", "Docker", facts.Docker, paths, facts, store)
{
    private readonly JobStore store = store;

    protected override IReadOnlyList<string> ListAll => ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"];

    public override bool HasVolume(ContainerId volume, Deadline deadline) => Asks(["volume", "inspect", "--format", "{{.Name}}", volume.ToString()], deadline);

    /// <summary>Makes the job's container, which does not run yet: under a name that nobody else gives, until Docker's id of it is written down.</summary>
    /// <param name="job">Whose container it is.</param>
    /// <param name="creation">The body of Docker's request to make one (Engine API, ContainerCreate).</param>
    /// <param name="deadline">For all of it.</param>
    /// <returns>The job, with the container's id.</returns>
    /// <exception cref="AgentException">restore-failed: Docker would not; container-exists: its name is another's by now.</exception>
    public JobRecord Create(JobRecord job, byte[] creation, Deadline deadline)
    {
        ContainerId id = DockerApi.Create(ProvisionalName(job.Job), creation, deadline);
        job = job with { Container = id };
        store.Save(job);
        ContainerId name = job.Managed!.Name;
        if (Run(["rename", id.ToString(), name.ToString()], deadline) is { Code: not 0 } refused)
            throw HasContainer(name.ToString(), deadline) ? NameTaken(name) : new AgentException(new AgentError(AgentErrorCode.RestoreFailed, $"docker rename ended with code {refused.Code}.", Tail(refused.Output)));
        return job;
    }

    /// <summary>Starts it, which restores it: see <see cref="RuncStandIn"/>. What Docker says goes where runc's log would be.</summary>
    /// <returns>docker's exit code.</returns>
    public int Start(JobRecord job, Deadline deadline)
    {
        using KernelFile log = KernelFile.Open(Paths.Of(job.Job).RuncLog, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC, 0x180);
        using ChildProcess child = ChildProcess.Start(Program, ["docker", "start", job.Container!.Value.ToString()], Environment, log);
        return child.Wait(deadline, "Docker started the container");
    }

    /// <summary>Its log is there before Docker opens it, which then goes on with it; of one that logs by json-file.</summary>
    public void PutLog(JobRecord job, Deadline deadline)
    {
        ContainerId id = job.Container!.Value;
        if (Lines(["container", "inspect", "--format", "{{.HostConfig.LogConfig.Type}}", id.ToString()], deadline) is not ["json-file"])
            return;
        string root = Lines(["info", "--format", "{{.DockerRootDir}}"], deadline) is [.., var told] && Path.IsPathRooted(told) ? told : "/var/lib/docker";
        JobPaths files = Paths.Of(job.Job);
        string log = $"{files.Root}/{ManagedFiles.Log}";
        Directory.CreateDirectory(log);
        using (FileStream changes = new(files.Archive, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16))
            new VolumeFiller(new Dictionary<ContainerId, string> { [ManagedFiles.Log] = log }, passesOver: true).Fill(changes, deadline);
        // It is called by the id that the container had.
        if (Directory.EnumerateFiles(log).FirstOrDefault() is { } written && new FileInfo(written).LinkTarget is null)
            File.Copy(written, $"{root}/containers/{id}/{id}-json.log");
        Directory.Delete(log, recursive: true);
    }

    /// <inheritdoc/>
    /// <remarks>By Docker's own removal before all else: one that it has not ended itself it would start again, where it has a restart policy.</remarks>
    public override void Undo(JobRecord job, Deadline deadline, List<string> removed)
    {
        if (!IsHere)
            return;
        // Whoever failed right after it was made may not know of it.
        ContainerId? made = job.Container ?? store.Find(job.Job)?.Container;
        if (made is { } ordered)
            RestoreOrder.Refuse(Paths, ordered);
        foreach (string name in (string[])[ProvisionalName(job.Job), .. made is { } id ? (string[])[id.ToString()] : []])
        {
            if (!HasContainer(name, deadline))
                continue;
            (int code, string output) = Run(["rm", "--force", name], deadline);
            if (code != 0 && HasContainer(name, deadline))
                throw new AgentException(new AgentError(AgentErrorCode.Internal, $"docker rm --force {name} ended with code {code}; the container is still there.", Tail(output)));
            removed.Add($"container {job.Managed?.Name.ToString() ?? name}");
        }
        if (made is { } gone)
            RestoreOrder.Remove(Paths, gone);
        RuncPlace.LeaveIfUnused(Paths);
    }

    protected override void CheckEngine(ManagedContainer container, Deadline deadline)
    {
        (int code, string output) = Run(["info", "--format", "{{.CgroupDriver}} {{.CgroupVersion}}"], deadline);
        if (code != 0)
            throw Unusable($"Docker does not answer in this guest ({Tail(output).Trim()}): start its daemon, or choose another destination.");
        if (output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1].Split(' ') is not [var driver, "2"])
            throw Unusable("Docker keeps its containers in cgroups of version 1 in this guest, in which none can be held: choose another destination.");
        if (container.CgroupDriver is { } wanted && wanted != driver)
            throw Unusable($"Docker has cgroups made by {driver} in this guest, and the container's were made by {wanted}: choose a destination with that cgroup driver.");
        if (container.Binds.FirstOrDefault(bind => !Path.Exists(bind)) is { } missing)
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container sees {missing} of its guest (a bind mount), which is not in this one: put it there, or choose another destination."));
        RuncPlace.Check();
    }

    protected override void CheckImage(ManagedContainer container, Deadline deadline)
    {
        if (container.Image is not { } image)
            return;
        string called = container.ImageName is { } by ? $"{by} ({image.ToString()[..12]})" : image.ToString();
        if (!Asks(["image", "inspect", "--format", "{{.Id}}", $"sha256:{image}"], deadline))
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container's image {called} is not in Docker's store of this guest: pull or load it there first, or choose another destination."));
        // docker ps shows the name, and a container that is made once more by it must be the same.
        if (container.ImageName is { } name && !(Run(["image", "inspect", "--format", "{{.Id}}", name.ToString()], deadline) is (0, var named) && named.Trim() == $"sha256:{image}"))
            throw new AgentException(new AgentError(AgentErrorCode.NoImage, $"The container's image is in Docker's store of this guest, and not as {name}, by which the container was made: docker tag {image.ToString()[..12]} {name}."));
    }

    protected override long? VolumeMadeAt(ContainerId volume, Deadline deadline) =>
        Run(["volume", "inspect", "--format", "{{.CreatedAt}}", volume.ToString()], deadline) is (0, var made)
        && DateTimeOffset.TryParse(made.Trim(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset at) ? at.ToUnixTimeSeconds() : null;

    protected override bool HasContainer(string name, Deadline deadline) => Asks(["container", "inspect", "--format", "{{.Id}}", name], deadline);

    protected override bool IsNo(int code, string output) => output.Contains("no such", StringComparison.OrdinalIgnoreCase);

    private static string ProvisionalName(JobId job) => $"watari-{job}";
}
