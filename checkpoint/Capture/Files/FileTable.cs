using Watari.Checkpoint.Model;
using Watari.Introspection.Fs;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>Everything captured so far, by what it is in the guest: struct file, path, inode.</summary>
internal sealed class FileTable
{
    private readonly Dictionary<GuestVirtualAddress, CapturedFile> _open = [];
    private readonly Dictionary<GuestVirtualAddress, CapturedFile> _memfdMappings = [];
    private readonly Dictionary<(GuestVirtualAddress Mount, GuestVirtualAddress Dentry), CapturedFile> _named = [];
    private readonly List<CapturedFile> _files = [];
    private readonly List<CapturedDescriptors> _descriptors = [];
    private readonly VerdictList _verdicts;
    private readonly PathFiles _paths;
    private readonly SocketFiles _sockets;
    private readonly InotifyFiles _inotify;

    public FileTable(FileScope scope)
    {
        Scope = scope;
        Budget = new CaptureBudget(scope.Kernel);
        _verdicts = new VerdictList(Budget);
        Memory = new SharedMemories(scope.Kernel);
        _paths = new PathFiles(scope, Memory);
        _sockets = new SocketFiles(scope);
        _inotify = new InotifyFiles(scope);
    }

    public FileScope Scope { get; }

    public GuestKernel Kernel => Scope.Kernel;

    /// <summary>What all of the capture may cost, beyond files too.</summary>
    public CaptureBudget Budget { get; }

    public SharedMemories Memory { get; }

    public PipeBuffers Pipes { get; } = new();

    /// <summary>The open files, in the order in which they were found.</summary>
    public IReadOnlyList<CapturedFile> Files => _files;

    public IReadOnlyList<CapturedDescriptors> Descriptors => _descriptors;

    /// <summary>An open file description.</summary>
    public CapturedFile Describe(FileStruct file, FileHolder holder)
    {
        if (_open.TryGetValue(file.Address, out CapturedFile? known))
        {
            known.Holders.Add(holder);
            return known;
        }

        CapturedFile captured = Add(file, holder);
        _open.Add(file.Address, captured);
        captured.Model = Capture(captured);
        return captured;
    }

    public void AddDescriptors(DescriptorTableId id, FilesStruct files, int pid)
    {
        var descriptors = new List<(int Number, CapturedFile File, bool CloseOnExec)>();
        foreach (Introspection.Fs.OpenFile open in files.Open)
        {
            Budget.TakeObjects(1);
            CapturedFile captured = Describe(open.File, FileHolder.Descriptor(pid, open.Descriptor));
            captured.CheckLocks(files);
            captured.CheckNotification();
            descriptors.Add((open.Descriptor, captured, open.CloseOnExec));
        }

        _descriptors.Add(new CapturedDescriptors(id, descriptors));
    }

    /// <summary>A place that is only named.</summary>
    public FileId Name(PathStruct path, FileHolder holder)
    {
        if (Known(path, holder) is { } known) return known.Id;
        CapturedFile captured = AddNamed(path, file: default, holder);
        captured.Model = _paths.Capture(captured, path, flags: 0, position: 0);
        return captured.Id;
    }

    public MappedFile Map(FileStruct file, FileHolder holder)
    {
        switch (FileKinds.Of(file))
        {
            case FileKind.SharedMemory:
                CapturedFile segment = new(default, Scope, file, holder, _verdicts, Budget) { What = "shared memory" };
                return new MappedFile(null, Memory.Capture(segment, file.FInode.Value), IsMemfd: false);
            case FileKind.Memfd:
                return new MappedFile(MapMemfd(file, holder).Id, null, IsMemfd: true);
            case FileKind.Path:
                PathStruct path = file.UserPath;
                if (Known(path, holder) is { } known) return new MappedFile(known.Id, null, IsMemfd: false);
                CapturedFile captured = AddNamed(path, file, holder);
                captured.Model = _paths.Capture(captured, path, flags: 0, position: 0);
                return new MappedFile(captured.Id, null, IsMemfd: false);
            default:
                return new MappedFile(Describe(file, holder).Id, null, IsMemfd: false);
        }
    }

    public CapturedFiles Complete()
    {
        new ConnectionCheck(this).Run();
        return new CapturedFiles
        {
            Files = [.. _files.Select(file => file.Model).OfType<Model.OpenFile>()],
            DescriptorTables = [.. _descriptors.Select(table => table.ToModel())],
            Pipes = Pipes.Pipes,
            Fifos = Pipes.Fifos,
            SharedMemory = Memory.Segments,
            MemfdInodes = Memory.Memfds,
            GhostFiles = _paths.Ghosts,
            Verdicts = _verdicts.All,
        };
    }

    private Model.OpenFile? Capture(CapturedFile file)
    {
        FileKind kind = FileKinds.Of(file.File);
        file.What = FileKinds.NameOf(file.File, kind);
        return kind switch
        {
            FileKind.Path => _paths.Capture(file, file.File.UserPath, file.Flags, (ulong)file.File.FPos),
            FileKind.Pipe => Pipes.CapturePipe(file),
            FileKind.Fifo => Pipes.CaptureFifo(file, CaptureFifoPath(file)),
            FileKind.EventFd => EventFiles.CaptureEventFd(file),
            FileKind.SignalFd => EventFiles.CaptureSignalFd(file),
            FileKind.TimerFd => EventFiles.CaptureTimerFd(file),
            FileKind.EventPoll => EventFiles.CaptureEventPoll(file),
            FileKind.Inotify => _inotify.Capture(file),
            FileKind.Socket => _sockets.Capture(file),
            FileKind.Memfd => Memory.CaptureMemfd(file),
            FileKind.Namespace => NamespaceFiles.Capture(file),
            _ => file.Refuse(FileKinds.WhyNot(file.File)),
        };
    }

    private CapturedFile CaptureFifoPath(CapturedFile fifo)
    {
        CapturedFile path = Add(fifo.File, fifo.Holders[0]);
        path.What = fifo.What;
        path.Model = _paths.Capture(path, fifo.File.FPath, fifo.Flags, position: 0);
        return path;
    }

    private CapturedFile MapMemfd(FileStruct file, FileHolder holder)
    {
        if (_memfdMappings.TryGetValue(file.Address, out CapturedFile? known)) return known;
        CapturedFile captured = Add(file, holder);
        captured.What = FileKinds.NameOf(file, FileKind.Memfd);
        captured.Model = Memory.CaptureMemfd(captured);
        _memfdMappings.Add(file.Address, captured);
        return captured;
    }

    private CapturedFile? Known(PathStruct path, FileHolder holder)
    {
        if (!_named.TryGetValue((path.Mnt.Address, path.Dentry.Address), out CapturedFile? known)) return null;
        known.Holders.Add(holder);
        return known;
    }

    private CapturedFile AddNamed(PathStruct path, FileStruct file, FileHolder holder)
    {
        CapturedFile captured = Add(file, holder);
        captured.What = "file";
        _named.Add((path.Mnt.Address, path.Dentry.Address), captured);
        return captured;
    }

    private CapturedFile Add(FileStruct file, FileHolder holder)
    {
        Budget.TakeObjects(1);
        var captured = new CapturedFile(new FileId((uint)_files.Count + 1), Scope, file, holder, _verdicts, Budget);
        _files.Add(captured);
        return captured;
    }
}

/// <summary>A captured table of descriptors.</summary>
internal sealed record CapturedDescriptors(DescriptorTableId Id, List<(int Number, CapturedFile File, bool CloseOnExec)> Descriptors)
{
    public DescriptorTable ToModel() =>
        new(Id, [.. Descriptors.Select(descriptor => new Descriptor(descriptor.Number, descriptor.File.Id, descriptor.CloseOnExec))]);
}
