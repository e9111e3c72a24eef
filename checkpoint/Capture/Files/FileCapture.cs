using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>
/// From what processes hold — descriptors, mappings, executables, roots, working directories — to the model's open files.
/// Each file is captured once, however many hold it:
/// <code>
/// var files = FileCapture.Begin(guest, FileScope.Of(processes, clocks));
/// foreach (TaskStruct process in processes)
/// {
///     DescriptorTableId table = files.CaptureDescriptors(process.Files.Value, process.Tgid);
///     FileId executable = files.CaptureMapping(process.Mm.Value.ExeFile.Value, FileHolder.Executable(process.Tgid)).File.Value;
/// }
/// CapturedFiles captured = files.Complete();
/// </code>
/// An object that cannot be carried gets an id too, and a verdict; nothing is thrown for it.
/// </summary>
public sealed class FileCapture
{
    private readonly FileTable _table;
    private readonly Dictionary<GuestVirtualAddress, DescriptorTableId> _descriptorTables = [];

    private FileCapture(FileScope scope) => _table = new FileTable(scope);

    /// <summary>Begins a capture; only a guest that stands still gives one.</summary>
    public static FileCapture Begin(StillGuest guest, FileScope scope)
    {
        if (guest.Kernel != scope.Kernel) throw new ArgumentException("The scope is another guest's.", nameof(scope));
        return new FileCapture(scope);
    }

    /// <summary>What all of the capture may cost, beyond files too.</summary>
    internal CaptureBudget Budget => _table.Budget;

    /// <summary>The files that are memory.</summary>
    internal SharedMemories Memory => _table.Memory;

    internal static FileCapture Look(FileScope scope) => new(scope);

    /// <summary>An open file description that a descriptor refers to.</summary>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public FileId Capture(FileStruct file, FileHolder holder) => _table.Describe(file, holder).Id;

    /// <summary>A table of descriptors with all that it refers to; one that processes share is captured once.</summary>
    /// <param name="pid">Of a process that has it, for verdicts.</param>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public DescriptorTableId CaptureDescriptors(FilesStruct files, int pid)
    {
        if (_descriptorTables.TryGetValue(files.Address, out DescriptorTableId known)) return known;
        var id = new DescriptorTableId((uint)_descriptorTables.Count + 1);
        _descriptorTables.Add(files.Address, id);
        _table.AddDescriptors(id, files, pid);
        return id;
    }

    /// <summary>A place that is only named: a root or a working directory.</summary>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public FileId CapturePath(PathStruct path, FileHolder holder) => _table.Name(path, holder);

    /// <summary>The file behind a mapping (vm_area_struct.vm_file) or of a process's executable.</summary>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public MappedFile CaptureMapping(FileStruct file, FileHolder holder) => _table.Map(file, holder);

    /// <summary>
    /// Holds the files against one another (both ends of a pipe, peers of a socket, targets of epoll) and ends the capture.
    /// </summary>
    /// <exception cref="Introspection.IntrospectionException">The guest's structures lead astray.</exception>
    public CapturedFiles Complete() => _table.Complete();
}
