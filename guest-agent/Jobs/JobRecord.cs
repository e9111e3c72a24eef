using System.Text.Json;
using System.Text.Json.Serialization;
using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>What the agent has made for a job, written before it is made: job.json in the job's directory.</summary>
internal sealed record JobRecord
{
    public required JobId Job { get; init; }

    public required JobPhase Phase { get; init; }

    /// <summary>null: a plain process tree, or a container of an engine's that has no id yet.</summary>
    public ContainerId? Container { get; init; }

    /// <summary>The container that Docker or podman makes; none of it was there before. null: it is neither's.</summary>
    public ManagedContainer? Managed { get; init; }

    public string? Bundle { get; init; }

    /// <summary>Where the restored processes are or will be, below /sys/fs/cgroup. Of an engine's, only once they are there: the engine chooses.</summary>
    public required string Cgroup { get; init; }

    /// <summary>The prepare that made it.</summary>
    public required StepMark Prepared { get; init; }

    /// <summary>The restore that has begun, and its result once it has ended well.</summary>
    public StepMark? Restore { get; init; }

    /// <summary>When that was, by the wall clock, in seconds since 1970.</summary>
    public long? RestoreBegan { get; init; }

    /// <summary>When the container's volumes were begun to be made, before it, by the wall clock, in seconds since 1970. null: the engine makes them with it.</summary>
    public long? VolumesBegan { get; init; }

    /// <summary>Those that the engine has made for the job, and the one that it is making.</summary>
    public IReadOnlyList<ContainerId> Volumes { get => field ?? []; init; } = [];

    /// <summary>They are as the container left them when it was frozen.</summary>
    public bool AreVolumesWhole { get; init; }

    public RestoreResult? Result { get; init; }

    /// <summary>The container that podman has restored and let run: it is podman's, whatever becomes of the job.</summary>
    public ContainerId? Running { get; init; }

    /// <summary>runc, criu and the relay run here while they build the tree.</summary>
    [JsonIgnore]
    public Cgroup Shelter => ShelterOf(Job);

    [JsonIgnore]
    public Cgroup Tasks => Cgroups.Cgroup.At(Cgroup);

    // Directly below the root: runc puts a container without a cgroupsPath beside the cgroup that runc itself is in.
    public static Cgroup ShelterOf(JobId job) => Cgroups.Cgroup.At($"/watari-{job}");

    public static string TreeCgroupOf(JobId job) => $"/watari-{job}.tree";
}

/// <summary>Which command of which owner did it.</summary>
internal readonly record struct StepMark(FencingEpoch Epoch, string Step)
{
    public static StepMark Of(JobStep at) => new(at.Epoch, at.Step);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JobRecord))]
internal sealed partial class JobJson : JsonSerializerContext;

/// <summary>The records of all jobs, in files.</summary>
internal sealed class JobStore(AgentPaths paths)
{
    public JobRecord? Find(JobId job) => Read(paths.Of(job).Record);

    /// <exception cref="AgentException">unknown-job.</exception>
    public JobRecord Get(JobId job) =>
        Find(job) ?? throw new AgentException(new AgentError(AgentErrorCode.UnknownJob, $"Nothing of job {job} is in this guest: prepare it first."));

    /// <summary>What was begun with an engine in an earlier boot of the guest, whose records outlive it.</summary>
    public JobRecord? FindOnDisk(JobId job) => Read(paths.Of(job).RecordOnDisk);

    /// <summary>In the guest's memory; as long as something that an engine has made is the job's, on its disk, too.</summary>
    public void Save(JobRecord record)
    {
        bool outlives = record is { Managed: not null, Running: null } && (record.VolumesBegan ?? record.RestoreBegan) is not null;
        if (outlives)
            Write(record, paths.Of(record.Job).RecordOnDisk);
        Write(record, paths.Of(record.Job).Record);
        if (!outlives)
            File.Delete(paths.Of(record.Job).RecordOnDisk);
    }

    public IEnumerable<JobId> All()
    {
        foreach (string directory in Directory.EnumerateDirectories(paths.Jobs))
        {
            if (JobId.TryParse(Path.GetFileName(directory), out JobId job))
                yield return job;
        }
    }

    /// <summary>The job, other than this, that holds the container or the cgroup.</summary>
    public JobId? HolderOf(ContainerId? container, string? cgroup, JobId other)
    {
        foreach (JobId job in All())
        {
            if (job != other && Find(job) is { } record && ((container is not null && record.Container == container) || (cgroup is not null && record.Cgroup == cgroup)))
                return job;
        }
        return null;
    }

    /// <summary>The job, other than this, for which an engine makes what has the id, the name or a volume of this container.</summary>
    public JobId? HolderOf(ManagedContainer container, JobId? other)
    {
        foreach (JobId job in All())
        {
            if (job != other && Find(job) is { } record && ((container.Id is { } id && record.Container == id)
                || (record.Managed is { } held && (held.Name == container.Name || held.Volumes.Intersect(container.Volumes).Any()))))
                return job;
        }
        return null;
    }

    private static JobRecord? Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), JobJson.Default.JobRecord);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    private static void Write(JobRecord record, string path)
    {
        using (FileStream file = new(path + ".new", FileMode.Create))
        {
            JsonSerializer.Serialize(file, record, JobJson.Default.JobRecord);
            file.Flush(flushToDisk: true);
        }
        File.Move(path + ".new", path, overwrite: true);
    }
}
