using System.Globalization;
using System.Text.Json;

namespace Watari.Hypervisor;

/// <summary>The run directory of one VM: everything that is its own, so that removing it leaves nothing behind.</summary>
public sealed class VmDirectory
{
    internal VmDirectory(string path) => DirectoryPath = path;

    public string DirectoryPath { get; }

    public string Name => Path.GetFileName(DirectoryPath);

    /// <summary>The monitor for the silo.</summary>
    public string QmpSocket => File("qmp.sock");

    /// <summary>A second monitor, for starting, stopping and tests.</summary>
    public string ControlSocket => File("control.sock");

    /// <summary>The host's end of the virtio-serial port org.watari.agent.0.</summary>
    public string AgentSocket => File("agent.sock");

    /// <summary>The host's end of the serial console ttyS0.</summary>
    public string ConsoleSocket => File("console.sock");

    /// <summary>All that the guest ever wrote to its console.</summary>
    public string ConsoleLog => File("console.log");

    /// <summary>QEMU's own complaints.</summary>
    public string QemuLog => File("qemu.log");

    public string PidFile => File("qemu.pid");

    /// <summary>The qcow2 overlay over the image's disk.</summary>
    public string Disk => File("disk.qcow2");

    public string RecordFile => File("vm.json");

    private string File(string name) => Path.Combine(DirectoryPath, name);

    /// <summary>What was started here; null when there is nothing, or not yet.</summary>
    internal VmSpec? ReadSpec()
    {
        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(RecordFile), LaunchJson.Default.VmSpec);
        }
        catch (Exception nothing) when (nothing is IOException or JsonException)
        {
            return null;
        }
    }

    internal void WriteSpec(VmSpec spec) => System.IO.File.WriteAllBytes(RecordFile, JsonSerializer.SerializeToUtf8Bytes(spec, LaunchJson.Default.VmSpec));

    /// <summary>The QEMU of this directory, or null when it has ended. A process that has its pid but not its arguments is another.</summary>
    internal ProcessHandle? OpenProcess()
    {
        if (!System.IO.File.Exists(PidFile) || !int.TryParse(System.IO.File.ReadAllText(PidFile), CultureInfo.InvariantCulture, out int pid)) return null;
        ProcessHandle? process = ProcessHandle.TryOpen(pid);
        if (process is null || process.Arguments.Contains(PidFile)) return process;
        process.Dispose();
        return null;
    }

    /// <summary>Last lines of a log of this directory, for an error's text.</summary>
    internal static string Tail(string log, int lines = 10) =>
        System.IO.File.Exists(log) ? string.Join('\n', System.IO.File.ReadLines(log).TakeLast(lines)) : "";
}
