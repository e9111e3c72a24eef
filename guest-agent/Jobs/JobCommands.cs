using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Criu;
using Watari.GuestAgent.Engines;
using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Managed;
using Watari.GuestAgent.Memory;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>What the owner of a job may have done in this guest. The caller has passed the fence and the gate.</summary>
internal sealed class JobCommands : IDisposable
{
    private const int CleanUpMilliseconds = 40_000;
    private const long LongestImage = 1L << 40;

    private readonly AgentPaths paths;
    private readonly JobStore store;
    private readonly GuestFacts facts;
    private readonly ManagedEngines engines;
    private readonly JobVolumes volumes;
    private readonly Restorer restorer;
    private readonly Remover remover;
    private readonly Stopper stopper;
    private readonly Dictionary<(JobId, ImageName), LandingZone> landingZones = [];

    public JobCommands(AgentPaths paths, JobStore store, GuestFacts facts)
    {
        this.paths = paths;
        this.store = store;
        this.facts = facts;
        engines = new ManagedEngines(paths, facts, store);
        volumes = new JobVolumes(paths, store, engines);
        restorer = new Restorer(paths, facts, engines, volumes);
        remover = new Remover(paths, facts, engines);
        stopper = new Stopper(new EnginePrograms(facts));
    }

    public CheckManagedResult CheckManaged(CheckManagedRequest request, Deadline deadline)
    {
        CheckCriu(deadline);
        engines.Of(request.Managed).Check(request.Managed, null, deadline);
        return new CheckManagedResult();
    }

    public PrepareResult Prepare(PrepareRequest request, Deadline deadline)
    {
        if (store.Find(request.Job) is { } made)
        {
            if (made.Prepared == StepMark.Of(request.At))
                return new PrepareResult(paths.Of(request.Job).Root, GuestFacts.MemoryAvailable);
            throw new AgentException(new AgentError(AgentErrorCode.Interrupted, $"Job {request.Job} was prepared here already, by epoch {made.Prepared.Epoch} and step {made.Prepared.Step}: go on with it, or destroy it first."));
        }
        long available = GuestFacts.MemoryAvailable;
        if (available < request.MemoryNeeded)
            throw new AgentException(new AgentError(AgentErrorCode.NotEnoughMemory, $"The restore needs {request.MemoryNeeded >> 20} MiB and {available >> 20} MiB are available in this guest: free memory or choose another destination."));
        CheckCriu(deadline);

        if (request.Managed is { } wanted)
            engines.Of(wanted).Check(wanted, request.Job, deadline);
        // Where an engine's will be is the engine's to say: a name that no cgroup has.
        string cgroup = request.Container is { } container ? CgroupFor(container, request, deadline) : JobRecord.TreeCgroupOf(request.Job);
        JobPaths files = paths.Of(request.Job);
        Directory.CreateDirectory(files.Images);
        Directory.CreateDirectory(files.Work);
        store.Save(new JobRecord
        {
            Job = request.Job,
            Phase = JobPhase.Prepared,
            Container = request.Container ?? (request.Managed is { Engine: ContainerEngine.Podman, Id: var id } ? id : null),
            Managed = request.Managed,
            Bundle = request.Bundle,
            Cgroup = cgroup,
            Prepared = StepMark.Of(request.At),
        });
        return new PrepareResult(files.Root, available);
    }

    /// <summary>Opens a file of the image set for the bytes that will follow.</summary>
    public KernelFile OpenImage(PutImageRequest request)
    {
        store.Get(request.Job);
        if (request.Length is < 0 or > LongestImage)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"An image of {request.Length} bytes cannot be."));
        return KernelFile.Open($"{paths.Of(request.Job).Images}/{request.Name}", Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC | Libc.O_NOFOLLOW, 0x180);
    }

    /// <summary>Opens the archive of an engine's container for the bytes that will follow.</summary>
    public KernelFile OpenArchive(PutArchiveRequest request) => OpenForManaged(request, request.Length, "archive", files => files.Archive);

    public void DropArchive(PutArchiveRequest request) => File.Delete(paths.Of(request.Job).Archive);

    /// <summary>Opens a file for the changes of volumes that will follow.</summary>
    public KernelFile OpenChanges(FillVolumesRequest request) => OpenForManaged(request, request.Length, "list of changes", files => files.Changes);

    public void DropChanges(FillVolumesRequest request) => File.Delete(paths.Of(request.Job).Changes);

    /// <summary>All changes are there: they are carried out.</summary>
    public FillVolumesResult FillVolumes(FillVolumesRequest request, Deadline deadline)
    {
        try
        {
            return new FillVolumesResult(volumes.Fill(store.Get(request.Job), request.IsLast, deadline));
        }
        finally
        {
            DropChanges(request);
        }
    }

    public void DropImage(PutImageRequest request) => File.Delete($"{paths.Of(request.Job).Images}/{request.Name}");

    public LandingZone MakeLandingZone(LandingZoneRequest request)
    {
        store.Get(request.Job);
        if (request.Length is <= 0 or > LongestImage)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"A landing zone of {request.Length} bytes cannot be."));
        lock (landingZones)
        {
            if (landingZones.Remove((request.Job, request.Name), out LandingZone? old))
                old.Dispose();
            LandingZone zone = LandingZone.Create($"{paths.Of(request.Job).Images}/{request.Name}", request.Length);
            landingZones[(request.Job, request.Name)] = zone;
            return zone;
        }
    }

    public RestoreResult Restore(RestoreRequest request, Deadline deadline)
    {
        JobRecord job = store.Get(request.Job);
        StepMark mark = StepMark.Of(request.At);
        if (job is { Phase: JobPhase.Restored, Result: { } done } && job.Restore == mark)
            return done;
        if (job is { VolumesBegan: not null, AreVolumesWhole: false })
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"The volumes of job {job.Job} went ahead, and what has changed in them since has not come: the container is not restored on them."));
        job = Begin(job, mark);
        File.Delete(paths.Of(job.Job).RelayReport);
        RestoreResult result;
        try
        {
            if (job.Managed is { Engine: ContainerEngine.Docker })
                job = restorer.CreateDocker(job, deadline);
            result = job switch
            {
                { Managed.Engine: ContainerEngine.Docker } => restorer.RestoreDocker(job, request.Options, deadline),
                { Managed: not null } => restorer.RestorePodman(job, request.Options, deadline),
                { Container: null } => restorer.RestoreTree(job, request.Options, deadline),
                _ => restorer.RestoreContainer(job, request.Options, deadline),
            };
        }
        catch (Exception failed)
        {
            throw Undone(job, failed);
        }
        // Podman's conmon stays there, and still, until the container is let go: one that saw it end would have podman start it again.
        if (job.Managed is not null)
            job.Shelter.Freeze(deadline);
        else
            LeaveShelter(job);
        store.Save(job with { Phase = JobPhase.Restored, Cgroup = result.Cgroup, Result = result });
        File.Delete(paths.Of(job.Job).Archive);
        // What the pages held is in the processes now.
        DropLandingZones(job.Job);
        foreach (string pages in Directory.EnumerateFiles(paths.Of(job.Job).Images, "pages-*.img"))
            File.Delete(pages);
        return result;
    }

    public RestoreArchiveResult RestoreArchive(RestoreArchiveRequest request, Deadline deadline)
    {
        JobRecord job = store.Get(request.Job);
        StepMark mark = StepMark.Of(request.At);
        if (job is { Phase: JobPhase.Restored, Running: { } done } && job.Restore == mark)
            return new RestoreArchiveResult(done);
        if (job.Managed is not { Engine: ContainerEngine.Podman } container)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"Job {job.Job} was not prepared for a container of podman's: there is nothing to restore."));
        // Nothing waits for it, and what is made in its name from here on is its own.
        engines.Podman.Check(container, job.Job, deadline);
        job = Begin(job, mark);
        ContainerId running;
        try
        {
            running = engines.Podman.RestoreRunning(job, container, request.Options, deadline);
        }
        catch (Exception failed)
        {
            throw Undone(job, failed);
        }
        store.Save(job with { Phase = JobPhase.Restored, Running = running });
        LeaveShelter(job);
        File.Delete(paths.Of(job.Job).Archive);
        return new RestoreArchiveResult(running);
    }

    public TouchResult Touch(TouchRequest request, IReadOnlyList<PageRange> ranges, Deadline deadline)
    {
        JobRecord job = store.Get(request.Job);
        PageToucher.CheckedTotal(ranges);
        Cgroup tasks = job.Tasks;
        string? path = Cgroup.Of(request.Process.ToString())?.Path;
        if (path is null)
            throw new AgentException(new AgentError(AgentErrorCode.NoSuchProcess, $"There is no process {request.Process} in this guest."));
        if (path != tasks.Path && !path.StartsWith(tasks.Path + "/", StringComparison.Ordinal))
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Process {request.Process} is in cgroup {path}, not in the job's, {tasks.Path}."));
        if (!tasks.Frozen)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"Cgroup {tasks.Path} is not frozen: pages of a running process are not the agent's to touch."));
        return new PageToucher(request.Process.Value).Touch(ranges, deadline);
    }

    /// <summary>The cgroup that a request names, if no other job holds it, else the job's own.</summary>
    public Cgroup CgroupOf(JobId job, string? path)
    {
        if (path is null)
            return store.Get(job).Tasks;
        if (store.HolderOf(null, path, job) is { } holder)
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Cgroup {path} belongs to job {holder}."));
        return Cgroup.At(path);
    }

    public KillResult Kill(KillRequest request)
    {
        const int last = 64;
        if (request.Process.Value <= 1 || request.Signal is < 1 or > last)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"Process {request.Process} cannot be sent signal {request.Signal}."));
        Cgroup cgroup = CgroupOf(request.Job, request.Cgroup);
        string? path = Cgroup.Of(request.Process.ToString())?.Path;
        if (path is null || (path != cgroup.Path && !path.StartsWith(cgroup.Path + "/", StringComparison.Ordinal)))
            throw new AgentException(new AgentError(AgentErrorCode.NoSuchProcess, $"There is no process {request.Process} in cgroup {cgroup.Path}."));
        KernelException.Check(Libc.kill(request.Process.Value, request.Signal), $"kill {request.Process}");
        return new KillResult();
    }

    /// <exception cref="AgentException">foreign-container: a job holds it; or it could not be ended.</exception>
    public StopResult Stop(StopRequest request, Deadline deadline)
    {
        if (store.HolderOf(request.Target.Container, request.Target.Cgroup, request.Job) is { } holder)
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Container {request.Target.Container} belongs to job {holder}."));
        return stopper.Stop(request, deadline);
    }

    public DestroyResult Destroy(DestroyRequest request, Deadline deadline)
    {
        List<string> removed = [];
        if (request.Container is { } id)
        {
            if (store.HolderOf(id, null, request.Job) is { } holder)
                throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Container {id} belongs to job {holder}: destroy that job, or wait for it."));
            // Half a container has no readable state; runc's own choice of cgroup is then the only one to look in.
            if (RuncState.Exists(id))
                remover.RemoveContainer(id, Cgroup.At(RuncState.Find(id, _ => null) is { Cgroup.Length: > 1 } container ? container.Cgroup : $"/{id}"), deadline, removed);
        }
        DropLandingZones(request.Job);
        if (store.Find(request.Job) is { } job)
        {
            if (job.Phase == JobPhase.Prepared)
                Remover.RemoveCgroup(job.Shelter, deadline, removed);
            else if (job.Running is null)
                remover.RemoveRestored(job, deadline, removed);
            else
                LeaveShelter(job);
            if (job.Running is null)
                volumes.Remove(job, deadline, removed);
        }
        else
        {
            // An agent that died before it wrote the record, or long ago; or the guest was booted since, and the engine's records were on its disk.
            Remover.RemoveCgroup(JobRecord.ShelterOf(request.Job), deadline, removed);
            if (store.FindOnDisk(request.Job) is { } begun)
            {
                if (begun is { RestoreBegan: not null, Managed: { } managed })
                    engines.Of(managed).Undo(begun, deadline, removed);
                volumes.Remove(begun, deadline, removed);
            }
        }
        remover.RemoveDirectory(request.Job, removed);
        return new DestroyResult(removed);
    }

    public ReleaseResult Release(ReleaseRequest request, Deadline deadline)
    {
        if (store.Find(request.Job) is not { } job)
            return new ReleaseResult();
        if (job.Phase != JobPhase.Restored)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"Job {job.Job} has restored nothing yet; there is nothing to let go. Destroy it instead."));
        DropLandingZones(job.Job);
        // A container's cgroup is its own; that of a tree was only the job's.
        if (job is { Container: null, Managed: null } && !job.Tasks.Frozen)
            job.Tasks.Disband();
        // The source lets go of its files when it hears that these are safe.
        if (job.Managed is not null)
            Libc.sync();
        if (job is { Managed: not null, Running: null } && job.Shelter.Exists)
        {
            job.Shelter.Thaw(deadline);
            LeaveShelter(job);
        }
        remover.RemoveDirectory(job.Job, []);
        return new ReleaseResult(job.Container);
    }

    public JobStatus Status(JobId id, FencingEpoch epoch, bool busy)
    {
        if (store.Find(id) is not { } job)
            return new JobStatus { Phase = JobPhase.Absent, Epoch = epoch, Frozen = false, Processes = 0, Images = [] };
        return new JobStatus
        {
            // A restore that no thread of this agent is at was left by an agent that died.
            Phase = job.Phase == JobPhase.Restoring && !busy ? JobPhase.Broken : job.Phase,
            Epoch = epoch,
            Container = job.Container,
            Cgroup = job.Cgroup,
            Frozen = job.Tasks.Frozen,
            Processes = job.Tasks.Exists ? job.Tasks.Processes().Count : 0,
            Images = [.. ImagesOf(id)],
        };
    }

    public LoopbackUpResult LoopbackUp(LoopbackUpRequest request)
    {
        GuestPid pid = request.Process ?? store.Get(request.Job).Result?.Init
            ?? throw new AgentException(new AgentError(AgentErrorCode.NoSuchProcess, $"Job {request.Job} has restored no process yet."));
        try
        {
            return new LoopbackUpResult(Loopback.Up(pid.Value));
        }
        catch (KernelException gone) when (gone.Errno is Libc.ENOENT or Libc.ESRCH)
        {
            throw new AgentException(new AgentError(AgentErrorCode.NoSuchProcess, $"There is no process {pid} in this guest."));
        }
    }

    public void Dispose()
    {
        lock (landingZones)
        {
            foreach (LandingZone zone in landingZones.Values)
                zone.Dispose();
            landingZones.Clear();
        }
    }

    public RemoveManagedResult RemoveManaged(RemoveManagedRequest request, Deadline deadline)
    {
        if (store.HolderOf(request.Managed, request.Job) is { } holder)
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Container {request.Managed.Name} belongs to job {holder}: destroy that job, or wait for it."));
        return new RemoveManagedResult(engines.Of(request.Managed).Remove(request.Managed, deadline));
    }

    /// <summary>A restore begins: written down before anything of it is made.</summary>
    private JobRecord Begin(JobRecord job, StepMark mark)
    {
        if (job.Phase != JobPhase.Prepared)
            throw new AgentException(new AgentError(AgentErrorCode.Interrupted, $"A restore of job {job.Job} (epoch {job.Restore?.Epoch}, step {job.Restore?.Step}) has been begun here and is {(job.Phase == JobPhase.Restored ? "done" : "broken")}: destroy the job and begin again."));
        job = job with { Phase = JobPhase.Restoring, Restore = mark, RestoreBegan = DateTimeOffset.UtcNow.ToUnixTimeSeconds() };
        store.Save(job);
        job.Shelter.Create();
        return job;
    }

    /// <summary>A restore has failed: what it has made is removed.</summary>
    /// <returns>What to throw.</returns>
    private Exception Undone(JobRecord job, Exception failed)
    {
        JobPaths files = paths.Of(job.Job);
        string log = RestoreLog.Explain(files.RestoreLog, files.RuncLog);
        try
        {
            remover.RemoveRestored(job, Deadline.After(CleanUpMilliseconds), []);
        }
        catch (AgentException left)
        {
            // What has failed first is what a person asks for; the rest goes when the job is destroyed.
            return failed is AgentException first ? new AgentException(new AgentError(first.Code, $"{first.Message} What it has made is still to be removed: {left.Message}", log)) : failed;
        }
        ContainerId? container = job.Managed is { Engine: ContainerEngine.Docker } ? null : job.Container;
        store.Save(job with { Phase = JobPhase.Prepared, Container = container, Restore = null, RestoreBegan = null });
        return failed is AgentException why ? new AgentException(new AgentError(why.Code, $"{why.Message} Nothing of the restore is left; what was sent for it is still there.", log)) : failed;
    }

    /// <summary>What built the container has ended; of podman's, its conmon was born there and watches the container from now on.</summary>
    private static void LeaveShelter(JobRecord job)
    {
        if (job.Managed is not null)
            job.Shelter.Disband();
        else
            Remover.RemoveCgroup(job.Shelter, Deadline.After(CleanUpMilliseconds), []);
    }

    private string CgroupFor(ContainerId container, PrepareRequest request, Deadline deadline)
    {
        if (request.Bundle is null)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, "A container is prepared with its bundle."));
        BundleFiles bundle = BundleFiles.Open(request.Bundle);
        if (facts.Runc is null)
            throw new AgentException(new AgentError(AgentErrorCode.CriuUnusable, "There is no runc in this guest: install it, or choose another destination."));
        string cgroup = bundle.Cgroup ?? $"/{container}";
        if (store.HolderOf(container, cgroup, request.Job) is { } holder)
            throw new AgentException(new AgentError(AgentErrorCode.ForeignContainer, $"Container {container} or its cgroup {cgroup} belongs to job {holder}."));
        // What runc keeps of one that has ended, as of the container that was moved away from here, makes room for its return.
        if (RuncState.Find(container, _ => null) is { Status: ContainerStatus.Stopped } ended && !Cgroup.At(cgroup).Populated)
            remover.RemoveContainer(container, Cgroup.At(ended.Cgroup.Length > 1 ? ended.Cgroup : cgroup), deadline, []);
        if (RuncState.Exists(container) || Cgroup.At(cgroup).Populated)
            throw new AgentException(new AgentError(AgentErrorCode.ContainerExists, $"A container {container} exists in this guest already, or its cgroup {cgroup} is in use: delete it, or choose another destination."));
        return cgroup;
    }

    private KernelFile OpenForManaged(JobRequest request, long length, string what, Func<JobPaths, string> place)
    {
        if (store.Get(request.Job).Managed is null)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"Job {request.Job} was not prepared for a container of Docker's or podman's: it takes no {what}."));
        if (length is < 0 or > LongestImage)
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, $"The container's {what} cannot have {length} bytes."));
        return KernelFile.Open(place(paths.Of(request.Job)), Libc.O_WRONLY | Libc.O_CREAT | Libc.O_TRUNC | Libc.O_NOFOLLOW, 0x180);
    }

    // Once for each boot: whether this criu runs on this kernel does not change. 3.17.1 does not start on 6.18.
    private void CheckCriu(Deadline deadline)
    {
        string marker = paths.Root + "/criu-check";
        if (File.Exists(marker))
            return;
        if (facts.Criu is not { } criu)
            throw new AgentException(new AgentError(AgentErrorCode.CriuUnusable, "There is no criu in this guest: install it, or choose another destination."));
        (int code, string output) = ChildProcess.Run(criu, ["criu", "check"], EnvironmentList.Current(), deadline);
        if (code != 0)
            throw new AgentException(new AgentError(AgentErrorCode.CriuUnusable, "criu does not work on this guest's kernel (criu check): install one that fits, or choose another destination.", output.Length <= 4096 ? output : output[^4096..]));
        File.WriteAllText(marker, "");
    }

    private IEnumerable<ImageFile> ImagesOf(JobId job)
    {
        const int most = 1024;
        foreach (FileInfo file in new DirectoryInfo(paths.Of(job).Images).EnumerateFiles().Take(most))
        {
            if (ImageName.TryParse(file.Name, out ImageName name))
                yield return new ImageFile(name, file.Length);
        }
    }

    private void DropLandingZones(JobId job)
    {
        lock (landingZones)
        {
            foreach ((JobId, ImageName) key in landingZones.Keys.Where(key => key.Item1 == job).ToList())
            {
                if (landingZones.Remove(key, out LandingZone? zone))
                    zone.Dispose();
            }
        }
    }
}
