using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>Where the agent keeps what it must know after its own death: in tmpfs, so that a guest's boot forgets it.</summary>
/// <param name="Root">/run/watari.</param>
/// <param name="Archives">On the disk, for what may be larger than the memory: /var/lib/watari/archives. What an earlier boot left is removed, but not what tells of volumes.</param>
internal sealed record AgentPaths(string Root, string Archives)
{
    public static AgentPaths Default { get; } = new("/run/watari", "/var/lib/watari/archives");

    public string Log => Root + "/agent.log";

    /// <summary>Holds <c>criu</c>, which is the agent: first in the PATH of runc.</summary>
    public string Programs => Root + "/bin";

    public string Fences => Root + "/fences";

    public string Jobs => Root + "/jobs";

    /// <summary>A file for each container that the stand-in for runc is to restore.</summary>
    public string Orders => Root + "/runc";

    public string OrderOf(ContainerId container) => $"{Orders}/{container}";

    /// <summary>A file for each command that runs in a container and was not heard to end.</summary>
    public string Execs => Root + "/execs";

    public JobPaths Of(JobId job) => new($"{Jobs}/{job}", $"{Archives}/{job}.tar", $"{Archives}/{job}.volumes", $"{Archives}/{job}{JobPaths.OnDiskSuffix}");
}

/// <summary>One job's directory.</summary>
/// <param name="Root">/run/watari/jobs/JOB.</param>
/// <param name="Archive">podman's checkpoint archive, or the changes of the root of a container of Docker's: /var/lib/watari/archives/JOB.tar.</param>
/// <param name="Changes">Changes of volumes that come: /var/lib/watari/archives/JOB.volumes.</param>
/// <param name="RecordOnDisk">The job's record once podman may have made something, for podman's own outlive a boot: /var/lib/watari/archives/JOB.json.</param>
internal sealed record JobPaths(string Root, string Archive, string Changes, string RecordOnDisk)
{
    public const string OnDiskSuffix = ".json";

    public string Record => Root + "/job.json";

    /// <summary>CRIU's image set.</summary>
    public string Images => Root + "/images";

    /// <summary>CRIU's work directory: logs and statistics.</summary>
    public string Work => Root + "/work";

    /// <summary>runc's choice for criu's log.</summary>
    public const string RestoreLogName = "restore.log";

    public string RestoreLog => Work + "/" + RestoreLogName;

    public string RuncLog => Work + "/runc.log";

    public string RelayReport => Work + "/relay.json";
}
