using System.Diagnostics;
using System.Globalization;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Criu;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Managed;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.StandIn;

namespace Watari.GuestAgent.Jobs;

/// <summary>Builds a job's processes out of its image set and leaves them frozen before their first instruction.</summary>
internal sealed class Restorer(AgentPaths paths, GuestFacts facts, ManagedEngines engines, JobVolumes volumes)
{
    private const int MostProcesses = 2048;

    /// <summary>The container, by <c>runc restore</c> with the relay as its criu.</summary>
    public RestoreResult RestoreContainer(JobRecord job, RestoreOptions how, Deadline deadline)
    {
        JobPaths files = paths.Of(job.Job);
        double started = Now;
        string runc = facts.Runc ?? throw Unusable("runc");
        List<string> arguments = ["runc", "--log", files.RuncLog, "restore", "-d", "--image-path", files.Images, "--work-path", files.Work, "--bundle", job.Bundle!, .. RuncOptions(how), job.Container!.Value.ToString()];
        using ChildProcess child = Launcher.Start(job.Shelter, privateMounts: true, runc, arguments, WithRelay(job, deadline));
        int code = child.Wait(deadline, "runc restored the container");
        return Held("runc restore", code, files, started);
    }

    /// <summary>
    /// The container, by <c>podman container restore --import</c>. podman has conmon start runc, and both pass the environment on:
    /// the criu that runc calls is the relay here too.
    /// </summary>
    public RestoreResult RestorePodman(JobRecord job, RestoreOptions how, Deadline deadline)
    {
        JobPaths files = paths.Of(job.Job);
        double started = Now;
        (int packed, string complaint) = ChildProcess.Run(
            "/bin/tar", ["tar", "--append", "--file", files.Archive, "--directory", files.Root, "--owner=0", "--group=0", "--transform=s,^images,checkpoint,", "images"],
            EnvironmentList.Current(), deadline);
        if (packed != 0)
            throw new AgentException(new AgentError(AgentErrorCode.RestoreFailed, $"The image set could not be added to the archive: tar ended with code {packed}.", complaint));

        List<string> options = [];
        if (how.TcpEstablished)
            options.Add("--tcp-established");
        if (how.FileLocks)
            options.Add("--file-locks");
        // Those that are there already are filled, too.
        if (job.Volumes.Count > 0)
            options.Add("--ignore-volumes");
        int code;
        using (volumes.KeepEmpty(job, deadline))
            (code, _) = engines.Podman.Restore(job, options, WithRelay(job, deadline), deadline);
        return Held("podman container restore", code, files, started);
    }

    /// <summary>Has Docker make the container, for <see cref="RestoreDocker"/>.</summary>
    /// <returns>The job, with the id that Docker gave to it.</returns>
    public JobRecord CreateDocker(JobRecord job, Deadline deadline)
    {
        string creation = $"{paths.Of(job.Job).Images}/{ManagedContainer.DockerCreation}";
        if (!File.Exists(creation))
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"What Docker is to make for job {job.Job} was not put here: put it first."));
        using (volumes.KeepEmpty(job, deadline))
            job = engines.Docker.Create(job, File.ReadAllBytes(creation), deadline);
        engines.Docker.PutLog(job, deadline);
        return job;
    }

    /// <summary>The container that Docker has made, by its start: see <see cref="RuncStandIn"/>.</summary>
    public RestoreResult RestoreDocker(JobRecord job, RestoreOptions how, Deadline deadline)
    {
        JobPaths files = paths.Of(job.Job);
        double started = Now;
        ContainerId container = job.Container!.Value;
        RestoreOrder order = new()
        {
            Job = job.Job,
            FormerId = job.Managed!.Id ?? throw new AgentException(new AgentError(AgentErrorCode.BadRequest, "A container of Docker's comes with the id that it had.")),
            Criu = facts.Criu ?? throw Unusable("criu"),
            Options = RuncOptions(how),
            Deadline = deadline.At,
        };
        order.Write(paths, container);
        RuncPlace.Take();
        int code = engines.Docker.Start(job, deadline);
        RestoreResult result = Held("docker start", code, files, started);
        RestoreOrder.Remove(paths, container);
        RuncPlace.LeaveIfUnused(paths);
        return result;
    }

    /// <summary>The plain process tree, by <c>criu swrk</c> with the agent as its RPC client.</summary>
    public RestoreResult RestoreTree(JobRecord job, RestoreOptions how, Deadline deadline)
    {
        JobPaths files = paths.Of(job.Job);
        double started = Now, stopped = 0, held = 0;
        string criu = facts.Criu ?? throw Unusable("criu");
        job.Tasks.Create();
        (SeqPacket ours, SeqPacket theirs) = SeqPacket.Pair();
        using (ours)
        {
            ChildProcess child;
            using (theirs)
                child = Launcher.StartBeside(job.Tasks, criu, ["criu", "swrk", theirs.Fd.ToString(CultureInfo.InvariantCulture)], EnvironmentList.Current(), theirs.Fd);
            using (child)
            using (KernelFile images = KernelFile.Open(files.Images, Libc.O_RDONLY | Libc.O_DIRECTORY))
            using (KernelFile work = KernelFile.Open(files.Work, Libc.O_RDONLY | Libc.O_DIRECTORY))
            {
                double ordered = Now;
                ours.Send(CriuRequest.RestoreTree(images.Fd, work.Fd, how.TcpEstablished, how.ExternalUnixSockets, how.FileLocks), []);
                while (true)
                {
                    deadline.Wait(ours.Fd, Libc.POLLIN, "criu restored the tree");
                    using Packet? packet = ours.Receive();
                    if (packet is null)
                        throw Failed("criu ended without an answer");
                    CriuResponse response = CriuResponse.Parse(packet.Bytes);
                    if (!response.Success)
                        throw Failed($"criu could not restore the tree ({response.Error})");
                    if (response.Type == CriuRequestType.Restore)
                        break;
                    if (response.Script == CriuResponse.PreResume)
                    {
                        stopped = Now;
                        PreResume.Hold(job.Tasks, job.Shelter, child.Pid, criu, deadline);
                        held = Now;
                    }
                    ours.Send(CriuRequest.NotifyDone(), []);
                }
                ours.EndSending();
                child.Wait(deadline, "criu ended");
                if (held == 0)
                    throw Failed("criu has restored the tree without stopping at pre-resume");
                return Result(job.Tasks, files.Work, started, ordered, stopped, held);
            }
        }
    }

    /// <summary>The environment in which a runc that is started, by whomever, calls the relay for criu.</summary>
    private List<string> WithRelay(JobRecord job, Deadline deadline) =>
        EnvironmentList.With(Relay.EnvironmentOf(paths, facts.Criu ?? throw Unusable("criu"), job.Job, deadline));

    private static RestoreResult Held(string command, int code, JobPaths files, double started)
    {
        RelayReport? report = RelayReport.TryRead(files.RelayReport);
        if (code != 0)
            throw Failed($"{command} ended with code {code}" + (report?.Failure is { } why ? $": {why}" : ""));
        if (report is not { Stopped: { } stopped, Held: { } held } || !Cgroup.At(report.Cgroup).Frozen)
            throw Failed($"{command} says that the container is restored, but it was not held at pre-resume: another criu was called than the relay");
        return Result(Cgroup.At(report.Cgroup), files.Work, started, report.Ordered, stopped, held);
    }

    private static RestoreResult Result(Cgroup tasks, string work, double started, double ordered, double stopped, double held)
    {
        RestoreStatistics criu = RestoreStatistics.Read(work);
        List<ProcessPids> processes = ProcessList.In(tasks, MostProcesses);
        if (processes.Count == 0)
            throw new AgentException(new AgentError(AgentErrorCode.RestoreFailed, $"The restore left no process in cgroup {tasks.Path}."));
        return new RestoreResult
        {
            Init = processes[0].Guest,
            Processes = processes,
            Cgroup = tasks.Path,
            Timings = new RestoreTimings
            {
                Total = Now - started,
                Runtime = ordered - started,
                Criu = stopped - ordered,
                Freeze = held - stopped,
                Forking = criu.Forking,
                Restore = criu.Restore,
                PagesRestored = criu.PagesRestored,
            },
        };
    }

    /// <summary>Of <c>runc restore</c>.</summary>
    private static List<string> RuncOptions(RestoreOptions how)
    {
        List<string> options = ["--manage-cgroups-mode", Mode(how.ManageCgroups)];
        if (how.TcpEstablished)
            options.Add("--tcp-established");
        if (how.ExternalUnixSockets)
            options.Add("--ext-unix-sk");
        if (how.FileLocks)
            options.Add("--file-locks");
        return options;
    }

    private static string Mode(ManageCgroups mode) => mode switch
    {
        ManageCgroups.Full => "full",
        ManageCgroups.Strict => "strict",
        ManageCgroups.Ignore => "ignore",
        _ => "soft",
    };

    private static AgentException Failed(string what) => new(new AgentError(AgentErrorCode.RestoreFailed, what + "."));

    private static AgentException Unusable(string program) =>
        new(new AgentError(AgentErrorCode.CriuUnusable, $"There is no {program} in this guest: install it, or choose another destination."));

    private static double Now => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;
}
