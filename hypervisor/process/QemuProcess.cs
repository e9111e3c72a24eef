using System.Globalization;
using Microsoft.Win32.SafeHandles;

namespace Watari.Hypervisor;

/// <summary>The process of a VM, as /proc shows it.</summary>
public sealed class QemuProcess
{
    private QemuProcess(int id, string executable)
    {
        Id = id;
        Executable = executable;
    }

    public int Id { get; }

    /// <summary>Path of the program (/proc/PID/exe).</summary>
    public string Executable { get; }

    /// <summary>When it started, in clock ticks since the host's boot (/proc/PID/stat, field 22): tells it from a later process of its pid.</summary>
    /// <exception cref="HypervisorException">It has ended.</exception>
    internal ulong StartTime
    {
        get
        {
            string stat = ReadProc("stat");
            // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
            return ulong.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>The process behind a QMP socket, found without sending a command: it works for a QEMU that hangs, too.</summary>
    /// <exception cref="HypervisorException">Nobody listens there, or its process cannot be seen from here.</exception>
    public static QemuProcess Discover(string qmpSocketPath)
    {
        using System.Net.Sockets.Socket socket = UnixSocket.Connect(qmpSocketPath, QmpClient.DefaultDeadline);
        return Of(PeerCredentials.ProcessIdOf(socket), qmpSocketPath);
    }

    /// <inheritdoc cref="Discover(string)"/>
    public static QemuProcess Of(QmpClient qmp) => Of(qmp.PeerProcessId, qmp.SocketPath);

    private static QemuProcess Of(int id, string socketPath)
    {
        if (id == 0)
            throw new HypervisorException($"The process behind {socketPath} is in a pid namespace that cannot be seen from here: run Watari in the same one (a container needs --pid=host).");
        try
        {
            string executable = File.ResolveLinkTarget($"/proc/{id}/exe", returnFinalTarget: false)?.FullName ?? "";
            return new QemuProcess(id, executable);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"The process {id} behind {socketPath} cannot be looked at: {failure.Message}. Run as root or as the user who runs this QEMU.", failure);
        }
    }

    /// <summary>All that it has mapped now.</summary>
    /// <exception cref="HypervisorException">It has ended.</exception>
    internal IReadOnlyList<ProcessMapping> Mappings() => [.. ProcessMaps.Read(ReadProc("maps"))];

    /// <summary>The mappings that hold a stretch of the process's memory: several, where QEMU gave parts of it other properties.</summary>
    /// <exception cref="HypervisorException">The process does not have all of it.</exception>
    internal IReadOnlyList<ProcessMapping> MappingsOf(IReadOnlyList<ProcessMapping> maps, ulong address, long length)
    {
        ulong end = address + (ulong)length;
        ProcessMapping[] found = [.. maps.Where(mapping => mapping.Start < end && address < mapping.End)];
        ulong covered = address;
        foreach (ProcessMapping mapping in found)
        {
            if (mapping.Start <= covered) covered = mapping.End;
        }
        return covered >= end ? found : throw new HypervisorException(
            $"Process {Id} ({Executable}) has nothing at the address where QEMU says its guest's RAM is: the QMP socket was opened by another process than QEMU. Give a socket that QEMU opened itself (-qmp unix:...).");
    }

    /// <summary>
    /// The file behind a mapping, opened anew for reading and writing through the process's own descriptor: so a memfd and an unlinked file
    /// are reached, too. Where it keeps no descriptor (RAM that is shared but anonymous), through /proc/PID/map_files, which asks for CAP_CHECKPOINT_RESTORE.
    /// Null where we may not.
    /// </summary>
    internal SafeFileHandle? TryOpenBacking(ProcessMapping mapping)
    {
        try
        {
            string path = DescriptorOf(mapping) ?? string.Create(CultureInfo.InvariantCulture, $"/proc/{Id}/map_files/{mapping.Start:x}-{mapping.End:x}");
            return File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or HypervisorException)
        {
            return null;
        }
    }

    private string? DescriptorOf(ProcessMapping mapping) => Directory.EnumerateFiles($"/proc/{Id}/fd").FirstOrDefault(descriptor => LeadsTo(descriptor, mapping));

    private bool LeadsTo(string descriptor, ProcessMapping mapping)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false) is { } target
                && IsSameFile(target.FullName, mapping.Path)
                && InodeOf(Path.GetFileName(descriptor)) == mapping.Inode;
        }
        catch (Exception failure) when (failure is IOException or HypervisorException)
        {
            return false; // closed meanwhile, as QEMU does with many
        }
    }

    // A link to a memfd reads "/memfd:name (deleted)", as in maps; the path of one in maps has no other escape than \012.
    private static bool IsSameFile(string target, string mapped) => target == mapped.Replace("\\012", "\n", StringComparison.Ordinal);

    /// <summary>"ino:" of /proc/PID/fdinfo/N (Linux 5.14, 3845f256a8b5).</summary>
    private ulong InodeOf(string descriptor) =>
        ReadProc($"fdinfo/{descriptor}").Split('\n').Select(line => line.Split(':', StringSplitOptions.TrimEntries)).FirstOrDefault(field => field[0] == "ino") is [_, var inode]
            ? ulong.Parse(inode, CultureInfo.InvariantCulture) : 0;

    private string ReadProc(string name)
    {
        try
        {
            return File.ReadAllText($"/proc/{Id}/{name}");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"/proc/{Id}/{name} cannot be read: {failure.Message}. The VM has ended, or run as root or as the user who runs it.", failure);
        }
    }
}
