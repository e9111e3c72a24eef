using Watari.GuestAgent.Guest;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Jobs;

/// <summary>Has podman make a container out of an archive, and take it away again.</summary>
internal sealed class PodmanRestorer(AgentPaths paths, GuestFacts facts)
{
    private const int MostLogBytes = 8 << 10;

    /// <summary>What podman will make; refused where a part of it is there already.</summary>
    public PodmanMark Check(RestoreArchiveRequest request, Deadline deadline)
    {
        var mark = new PodmanMark(request.Options.Name ?? request.Container, request.Options.Volumes);
        if (Run(["container", "exists", mark.Name.ToString()], deadline).Code == 0)
            throw new AgentException(new AgentError(AgentErrorCode.ContainerExists, $"Podman has a container {mark.Name} in this guest already: remove it (podman rm {mark.Name}), or restore with another name."));
        foreach (ContainerId volume in mark.Volumes)
        {
            if (Run(["volume", "exists", volume.ToString()], deadline).Code == 0)
                throw new AgentException(new AgentError(AgentErrorCode.ContainerExists, $"Podman has a volume {volume} in this guest already, and the archive brings one: remove it (podman volume rm {volume}), or choose another destination."));
        }
        return mark;
    }

    /// <returns>The container's id.</returns>
    /// <exception cref="AgentException">Podman could not; what it has left is still there.</exception>
    public ContainerId Restore(JobId job, RestoreArchiveRequest request, Deadline deadline)
    {
        List<string> arguments = ["container", "restore", "--import", $"{paths.Of(job).Images}/{request.Archive}"];
        if (request.Options.Name is { } name)
            arguments.AddRange(["--name", name.ToString()]);
        if (request.Options.IgnoreVolumes)
            arguments.Add("--ignore-volumes");
        if (request.Options.TcpEstablished)
            arguments.Add("--tcp-established");
        if (request.Options.FileLocks)
            arguments.Add("--file-locks");
        (int code, string output) = Run(arguments, deadline);
        if (code != 0)
            throw new AgentException(new AgentError(AgentErrorCode.RestoreFailed, $"podman container restore ended with code {code}.", Tail(output)));
        // It prints the id last; what it pulls or warns of comes before.
        string last = output.TrimEnd().Split('\n')[^1].Trim();
        return ContainerId.TryParse(last, out ContainerId id) ? id
            : throw new AgentException(new AgentError(AgentErrorCode.RestoreFailed, "podman container restore has not said which container it made.", Tail(output)));
    }

    /// <summary>What podman has made of a restore that was not finished.</summary>
    public void Remove(PodmanMark mark, Deadline deadline, List<string> removed)
    {
        if (Run(["container", "exists", mark.Name.ToString()], deadline).Code == 0)
        {
            (int code, string output) = Run(["rm", "--force", "--time", "0", mark.Name.ToString()], deadline);
            if (code != 0)
                throw new AgentException(new AgentError(AgentErrorCode.Internal, $"podman rm --force {mark.Name} ended with code {code}; the container is still there.", Tail(output)));
            removed.Add($"container {mark.Name}");
        }
        foreach (ContainerId volume in mark.Volumes)
        {
            if (Run(["volume", "rm", volume.ToString()], deadline).Code == 0)
                removed.Add($"volume {volume}");
        }
    }

    private (int Code, string Output) Run(IReadOnlyList<string> arguments, Deadline deadline) =>
        ChildProcess.Run(
            facts.Podman ?? throw new AgentException(new AgentError(AgentErrorCode.Unsupported, "There is no podman in this guest: install it, or choose another destination.")),
            ["podman", .. arguments],
            EnvironmentList.OfShell(),
            deadline);

    private static string Tail(string output) => output.Length <= MostLogBytes ? output : output[^MostLogBytes..];
}
