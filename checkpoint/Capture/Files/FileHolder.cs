using System.Globalization;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>In what way a process holds a file.</summary>
public enum FileHold
{
    Descriptor,
    Mapping,
    Executable,
    WorkingDirectory,
    Root,
}

/// <summary>Who holds a file: for the words of a verdict, and to know a container's standard streams.</summary>
/// <param name="Pid">As the guest's first pid namespace numbers it.</param>
/// <param name="Place">The descriptor's number or the mapping's address; 0 for the others.</param>
public readonly record struct FileHolder(int Pid, FileHold Hold, ulong Place)
{
    public static FileHolder Descriptor(int pid, int number) => new(pid, FileHold.Descriptor, (ulong)number);

    public static FileHolder Mapping(int pid, GuestVirtualAddress start) => new(pid, FileHold.Mapping, start.Value);

    public static FileHolder Executable(int pid) => new(pid, FileHold.Executable, 0);

    public static FileHolder WorkingDirectory(int pid) => new(pid, FileHold.WorkingDirectory, 0);

    public static FileHolder Root(int pid) => new(pid, FileHold.Root, 0);

    /// <summary>Standard input, output or error.</summary>
    public bool IsStandardStream => Hold == FileHold.Descriptor && Place <= 2;

    public override string ToString()
    {
        string place = Hold switch
        {
            FileHold.Descriptor => string.Create(CultureInfo.InvariantCulture, $"fd {Place}"),
            FileHold.Mapping => $"mapping {Place:x}",
            FileHold.Executable => "executable",
            FileHold.WorkingDirectory => "working directory",
            _ => "root",
        };
        return string.Create(CultureInfo.InvariantCulture, $"pid {Pid} {place}");
    }
}
