using System.Diagnostics;
using System.Globalization;

namespace Watari.Hypervisor.Tests;

/// <summary>A real QEMU that has not started its guest (-S): cheap, for its processors never run unless a test says so.</summary>
internal sealed class RealQemu : IAsyncDisposable
{
    private static readonly string[] s_small =
        ["-name", "small", "-m", "64", "-object", "memory-backend-memfd,id=ram,size=64M,share=on", "-machine", "q35,memory-backend=ram"];

    private RealQemu(string directory) => DirectoryPath = directory;

    internal string SocketPath => Path.Combine(DirectoryPath, "qmp.sock");

    /// <summary>Its own, gone with it.</summary>
    internal string DirectoryPath { get; }

    internal int ProcessId { get; private set; }

    /// <summary>Starts it; done when its socket listens. Where {dir} stands in an argument, the test's directory is put.</summary>
    internal static Task<RealQemu> StartAsync(params string[] arguments) => StartInAsync(Directory.CreateTempSubdirectory("watari-").FullName, arguments);

    private static async Task<RealQemu> StartInAsync(string directory, string[] arguments)
    {
        var qemu = new RealQemu(directory);
        string pidFile = Path.Combine(directory, "qemu.pid");
        var start = new ProcessStartInfo("qemu-system-x86_64") { RedirectStandardError = true };
        foreach (string argument in (string[])[
            "-S", "-daemonize", "-pidfile", pidFile, "-accel", "tcg", "-nodefaults", "-nic", "none", "-display", "none", "-monitor", "none",
            "-qmp", $"unix:{qemu.SocketPath},server=on,wait=off", .. arguments])
        {
            start.ArgumentList.Add(argument.Replace("{dir}", qemu.DirectoryPath, StringComparison.Ordinal));
        }
        using Process launcher = Process.Start(start)!;
        string errors = await launcher.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await launcher.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(launcher.ExitCode == 0, errors);
        qemu.ProcessId = int.Parse(await File.ReadAllTextAsync(pidFile, TestContext.Current.CancellationToken), CultureInfo.InvariantCulture);
        return qemu;
    }

    /// <summary>A small guest with shared RAM, and more monitors beside the first where they are named.</summary>
    internal static Task<RealQemu> StartSmallAsync(params string[] monitors) => StartAsync(
        [.. s_small, .. monitors.SelectMany(name => (string[])["-qmp", $"unix:{{dir}}/{name},server=on,wait=off"])]);

    /// <summary>The same in a directory of the test's choice.</summary>
    internal static Task<RealQemu> StartSmallInAsync(string directory)
    {
        Directory.CreateDirectory(directory);
        return StartInAsync(directory, s_small);
    }

    internal void Signal(string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", ProcessId.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    public async ValueTask DisposeAsync()
    {
        using ProcessHandle? process = ProcessHandle.TryOpen(ProcessId);
        if (process is not null)
        {
            process.Kill();
            Assert.True(await process.WaitForEndAsync(TimeSpan.FromSeconds(10)));
        }
        Directory.Delete(DirectoryPath, recursive: true);
    }
}
