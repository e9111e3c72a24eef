using Watari.GuestAgent.Cgroups;
using Watari.GuestAgent.Native;

namespace Watari.GuestAgent.Processes;

/// <summary>
/// The agent invoked as <c>watari-agent launch CGROUP host|private PROGRAM ARGUMENTS...</c>: it steps
/// into the cgroup, and into a mount namespace of its own where asked, and becomes the program. So
/// the program's children are in the cgroup too, whatever they do, and what it mounts vanishes with
/// it: runc killed in a restore leaves a bind mount of the container's root file system behind that
/// the next <c>runc delete</c> would empty.
/// </summary>
internal static class Launcher
{
    public const string Verb = "launch";

    /// <summary>Starts a program through the launcher.</summary>
    public static ChildProcess Start(Cgroup cgroup, bool privateMounts, string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, KernelFile? output = null) =>
        ChildProcess.Start(Self, [Self, Verb, cgroup.Path, privateMounts ? "private" : "host", path, .. arguments], environment, output);

    /// <summary>Likewise, beside this process and with one more of its descriptors; mounts are the guest's.</summary>
    public static ChildProcess StartBeside(Cgroup cgroup, string path, IReadOnlyList<string> arguments, IReadOnlyList<string> environment, int inherit) =>
        ChildProcess.StartBeside(Self, [Self, Verb, cgroup.Path, "host", path, .. arguments], environment, inherit);

    /// <summary>The agent's own file.</summary>
    public static string Self => Environment.ProcessPath ?? "/proc/self/exe";

    /// <summary>What this process mounts from here on nobody else sees, and it vanishes with it.</summary>
    public static void KeepMounts()
    {
        KernelException.Check(Libc.unshare(Libc.CLONE_NEWNS), "unshare");
        KernelException.Check(Libc.mount("none", "/", null, Libc.MS_REC | Libc.MS_SLAVE, null), "mount /");
    }

    /// <summary>What the launched agent does; returns only if it failed.</summary>
    public static int Run(IReadOnlyList<string> arguments)
    {
        if (arguments.Count < 4)
            return 64;
        Cgroup.At(arguments[0]).Add(Environment.ProcessId);
        if (arguments[1] == "private")
            KeepMounts();
        Exec.Become(arguments[2], [.. arguments.Skip(3)]);
        return 0;
    }
}
