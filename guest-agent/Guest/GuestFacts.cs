using System.Globalization;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Processes;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Guest;

/// <summary>The guest as /proc and its programs tell of it.</summary>
internal sealed class GuestFacts
{
    private const int VersionDeadline = 10_000;

    private readonly string instance = Guid.NewGuid().ToString("n");
    private readonly Lazy<string?> criuVersion;
    private readonly Lazy<string?> runcVersion;
    private readonly Lazy<string?> podmanVersion;

    public GuestFacts()
    {
        Criu = Program("criu");
        Runc = Program("runc");
        Podman = Program("podman");
        Docker = Program("docker");
        criuVersion = new Lazy<string?>(() => Version(Criu, "Version: "));
        runcVersion = new Lazy<string?>(() => Version(Runc, "runc version "));
        podmanVersion = new Lazy<string?>(() => Version(Podman, "podman version "));
        // Known by the time that a host asks.
        new Thread(() => _ = (criuVersion.Value, runcVersion.Value, podmanVersion.Value)) { IsBackground = true }.Start();
    }

    /// <summary>The real criu's file; null where there is none.</summary>
    public string? Criu { get; }

    public string? Runc { get; }

    public string? Podman { get; }

    public string? Docker { get; }

    public AgentHello Hello() => new()
    {
        Protocol = ProtocolVersion.Current,
        AgentVersion = typeof(GuestFacts).Assembly.GetName().Version?.ToString(3) ?? "0",
        Instance = instance,
        KernelRelease = Line("/proc/sys/kernel/osrelease"),
        CriuVersion = criuVersion.Value,
        RuncVersion = runcVersion.Value,
        PodmanVersion = podmanVersion.Value,
        BootId = Line("/proc/sys/kernel/random/boot_id"),
        MemoryTotal = MemInfo("MemTotal"),
        MemoryAvailable = MemoryAvailable,
        Vcpus = Environment.ProcessorCount,
        CpuFlags = CpuFlags(),
        Features = Features,
    };

    /// <summary>The names of the requests.</summary>
    public static IReadOnlyList<string> Features { get; } =
        ["describe", "check-managed", "prepare", "put-image", "put-archive", "fill-volumes", "landing-zone", "restore", "restore-archive", "touch", "freeze", "thaw", "kill", "stop", "exec", "destroy", "release", "remove-managed", "status", "sync", "set-clock", "loopback-up"];

    public static long MemoryAvailable => MemInfo("MemAvailable");

    public static long MemoryFree => MemInfo("MemFree");

    /// <summary>Bytes of a line of /proc/meminfo; 0 where there is none.</summary>
    private static long MemInfo(string name)
    {
        foreach (string line in KernelFile.ReadText("/proc/meminfo").Split('\n'))
        {
            if (line.StartsWith(name + ":", StringComparison.Ordinal))
                return long.Parse(line[(name.Length + 1)..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture) * 1024;
        }
        return 0;
    }

    private static string[] CpuFlags()
    {
        string? line = KernelFile.ReadText("/proc/cpuinfo").Split('\n').FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal));
        return line is null ? [] : line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static string Line(string path) => KernelFile.ReadText(path).Trim();

    private static string? Program(string name) =>
        Programs.Find(name) is { } path ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : null;

    private static string? Version(string? program, string before)
    {
        if (program is null)
            return null;
        try
        {
            (_, string output) = ChildProcess.Run(program, [Path.GetFileName(program), "--version"], EnvironmentList.Current(), Deadline.After(VersionDeadline));
            string? line = output.Split('\n').FirstOrDefault(l => l.StartsWith(before, StringComparison.Ordinal));
            return line?[before.Length..].Trim();
        }
        catch (Exception failed) when (failed is AgentException or KernelException)
        {
            return null;
        }
    }
}
