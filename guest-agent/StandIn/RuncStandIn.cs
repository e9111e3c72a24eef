using System.Globalization;
using System.Text;
using System.Text.Json;
using Watari.GuestAgent.Criu;
using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;
using Watari.GuestAgent.Volumes;

namespace Watari.GuestAgent.StandIn;

/// <summary>
/// The agent invoked as <c>runc</c> by containerd's shim, while Docker starts a container that is to be restored. Where the shim would have it
/// created, its files are put into the root that Docker has mounted, and runc restores it by way of the relay, which holds it before its first
/// instruction. That it is then started is nothing to be done: it is. All other calls, and those of all other containers, become runc's.
/// </summary>
internal static class RuncStandIn
{
    /// <summary>This process was started as runc.</summary>
    public static bool IsMeant(string program) => Path.GetFileName(program) == "runc";

    /// <returns>The exit code, where it has not become runc.</returns>
    public static int Run(IReadOnlyList<string> arguments, AgentPaths paths)
    {
        RuncCall? call = RuncCall.Parse(arguments);
        if (call is not { Command: "create" or "start" } || !ContainerId.TryParse(call.Container, out ContainerId container) || RestoreOrder.Find(paths, container) is not { } order)
        {
            Exec.Become(RuncPlace.Runc(), ["runc", .. arguments]);
            return 0;
        }
        JobPaths files = paths.Of(order.Job);
        try
        {
            if (order.IsRefused)
                throw new InvalidOperationException("The container is being taken back.");
            return call.Command == "start" ? 0 : Restore(call, container, order, files, paths);
        }
        catch (Exception failed)
        {
            // The shim shows what runc says last, and the agent what the report says.
            Console.Error.WriteLine(failed.Message);
            new RelayReport { Cgroup = JobRecord.ShelterOf(order.Job).Path, Ordered = 0, Failure = failed.Message }.Write(files.RelayReport);
            return 1;
        }
    }

    private static int Restore(RuncCall call, ContainerId container, RestoreOrder order, JobPaths files, AgentPaths paths)
    {
        Deadline deadline = new(order.Deadline);
        JobRecord.ShelterOf(order.Job).Add(Environment.ProcessId);
        string bundle = call.Option("--bundle") ?? throw new InvalidDataException("The shim names no bundle.");
        using (FileStream changes = new(files.Archive, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16))
            new VolumeFiller(new Dictionary<ContainerId, string> { [ManagedFiles.Root] = RootOf(bundle) }, passesOver: true).Fill(changes, deadline);
        Rename($"{files.Images}/cgroup.img", order.FormerId, container);
        // What a runc that is killed has mounted goes with it, as by the launcher.
        Launcher.KeepMounts();
        foreach ((string name, string value) in Relay.EnvironmentOf(paths, order.Criu, order.Job, deadline))
            Environment.SetEnvironmentVariable(name, value);
        Exec.Become(RuncPlace.Runc(), call.AsRestore(["--image-path", files.Images, "--work-path", files.Work, .. order.Options]));
        return 0;
    }

    private static string RootOf(string bundle)
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllBytes($"{bundle}/config.json"));
        string path = config.RootElement.GetProperty("root").GetProperty("path").GetString() ?? "";
        return Path.IsPathRooted(path) ? path : throw new InvalidDataException("The bundle names no root.");
    }

    /// <summary>The images name the container's cgroup by the id that it had; both ids are of one length, so nothing else of them changes.</summary>
    internal static void Rename(string image, ContainerId former, ContainerId now)
    {
        byte[] bytes = File.ReadAllBytes(image), from = Encoding.ASCII.GetBytes(former.ToString()), to = Encoding.ASCII.GetBytes(now.ToString());
        if (from.Length != to.Length)
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"An id of {from.Length} letters cannot become one of {to.Length}."));
        for (int at = 0; bytes.AsSpan(at).IndexOf(from) is >= 0 and int next; at += next + to.Length)
            to.CopyTo(bytes.AsSpan(at + next));
        File.WriteAllBytes(image, bytes);
    }
}
