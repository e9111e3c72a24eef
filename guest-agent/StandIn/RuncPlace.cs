using Watari.GuestAgent.Jobs;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.StandIn;

/// <summary>
/// Where the stand-in is found before runc: <c>/usr/local/sbin</c>, with which the search path of a service begins (systemd.exec(5),
/// DEFAULT_PATH), and nothing of Debian's lies there. containerd's shims look for runc each time that they call it. The link is there as
/// long as a container is being restored, and does no harm when it stays: for all other containers it becomes runc.
/// </summary>
internal static class RuncPlace
{
    private const string Sbin = "/usr/local/sbin", Place = Sbin + "/runc";

    /// <exception cref="AgentException">criu-unusable: what Docker calls for runc would not be the stand-in.</exception>
    public static void Check()
    {
        if (new FileInfo(Place) is { LinkTarget: var target } there && (target is not null || there.Exists) && target != Launcher.Self)
            throw Unusable($"Docker's runc is {Place} in this guest, where the agent must be in between while it restores: put it into /usr/bin, or choose another destination.");
        string real = Runc();
        foreach (string pid in Directory.EnumerateDirectories("/proc").Select(process => Path.GetFileName(process)).Where(name => char.IsAsciiDigit(name[0])))
        {
            if (KernelFile.TryReadText($"/proc/{pid}/comm")?.Trim() != "containerd")
                continue;
            string? path = KernelFile.TryReadText($"/proc/{pid}/environ")?.Split('\0').FirstOrDefault(variable => variable.StartsWith("PATH=", StringComparison.Ordinal))?["PATH=".Length..];
            string? first = path?.Split(':').FirstOrDefault(directory => directory == Sbin || directory == Path.GetDirectoryName(real));
            if (first != Sbin)
                throw Unusable($"containerd (process {pid}) runs without {Sbin} before {Path.GetDirectoryName(real)} in its PATH, as a service of systemd's has it, and the agent cannot restore for Docker: start it with such a PATH, or choose another destination.");
        }
    }

    /// <summary>The stand-in is found before runc from here on, until <see cref="LeaveIfUnused"/>.</summary>
    public static void Take()
    {
        if (new FileInfo(Place).LinkTarget == Launcher.Self)
            return;
        Directory.CreateDirectory(Sbin);
        Check();
        File.CreateSymbolicLink(Place, Launcher.Self);
    }

    /// <summary>Nothing is restored by it any more.</summary>
    public static void LeaveIfUnused(AgentPaths paths)
    {
        if (new FileInfo(Place).LinkTarget == Launcher.Self && !Directory.EnumerateFiles(paths.Orders).Any())
            File.Delete(Place);
    }

    /// <summary>The runc that there would be without the stand-in.</summary>
    /// <exception cref="AgentException">criu-unusable: there is none.</exception>
    public static string Runc() => Programs.Find("runc") ?? throw Unusable("There is no runc in this guest: install it, or choose another destination.");

    private static AgentException Unusable(string why) => new(new AgentError(AgentErrorCode.CriuUnusable, why));
}
