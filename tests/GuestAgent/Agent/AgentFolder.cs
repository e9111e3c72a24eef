using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Tests.Agent;

/// <summary>The agent's directories for one test.</summary>
internal sealed class AgentFolder : IDisposable
{
    public AgentFolder()
    {
        string root = Directory.CreateTempSubdirectory("watari-agent-").FullName;
        Paths = new AgentPaths(root, root + "/archives");
        Directory.CreateDirectory(Paths.Fences);
        Directory.CreateDirectory(Paths.Jobs);
        Directory.CreateDirectory(Paths.Archives);
        Directory.CreateDirectory(Paths.Execs);
        Store = new JobStore(Paths);
    }

    public AgentPaths Paths { get; }

    public JobStore Store { get; }

    /// <summary>A job as a prepare leaves it; no restore is made of it.</summary>
    public JobRecord Prepared(string name, string? container = null)
    {
        JobId job = JobId.Parse(name);
        Directory.CreateDirectory(Paths.Of(job).Images);
        Directory.CreateDirectory(Paths.Of(job).Work);
        JobRecord record = new()
        {
            Job = job,
            Phase = JobPhase.Prepared,
            Container = container is null ? null : ContainerId.Parse(container),
            Cgroup = container is null ? JobRecord.TreeCgroupOf(job) : "/watari-test-" + container,
            Prepared = new StepMark(new FencingEpoch(1), "prepare"),
        };
        Store.Save(record);
        return record;
    }

    public void Dispose() => Directory.Delete(Paths.Root, recursive: true);
}
