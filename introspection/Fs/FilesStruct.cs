namespace Watari.Introspection.Fs;

/// <summary>A process's table of open files (include/linux/fdtable.h).</summary>
[KernelStruct("files_struct")]
public readonly partial record struct FilesStruct
{
    [Field] public partial Ptr<FdTable> Fdt { get; }

    /// <summary>The open descriptors, by rising number.</summary>
    public OpenFiles Open => new(Fdt.Value);
}

[KernelStruct("fdtable")]
public readonly partial record struct FdTable
{
    [Field] public partial uint MaxFds { get; }

    /// <summary>struct file * by descriptor.</summary>
    [Field] public partial GuestVirtualAddress Fd { get; }

    /// <summary>A bit for each descriptor.</summary>
    [Field] public partial GuestVirtualAddress CloseOnExec { get; }
}

/// <summary>A descriptor and its file.</summary>
public readonly record struct OpenFile(int Descriptor, FileStruct File, bool CloseOnExec);

/// <summary>A walk over the open descriptors of a table.</summary>
public struct OpenFiles
{
    private const ulong PointerMask = ~3UL; // low bits were flags once (struct fd)

    private readonly KernelArray<ulong> _files;
    private readonly KernelArray<ulong> _closeOnExec;
    private int _next;

    internal OpenFiles(FdTable table)
    {
        uint count = table.MaxFds;
        int limit = table.Kernel.Limits.Entries;
        if (count > (uint)limit) throw table.Kernel.Astray(table.Address, "fdtable.max_fds", $"is {count}, and the limit is {limit}");
        _files = new KernelArray<ulong>(table.Kernel, table.Fd, (int)count);
        _closeOnExec = new KernelArray<ulong>(table.Kernel, table.CloseOnExec, ((int)count + 63) / 64);
    }

    public OpenFile Current { get; private set; }

    public readonly OpenFiles GetEnumerator() => this;

    public bool MoveNext()
    {
        while (_next < _files.Length)
        {
            int descriptor = _next++;
            _files.Kernel.TakeSteps(1);
            ulong file = _files[descriptor] & PointerMask;
            if (file == 0) continue;
            bool closeOnExec = (_closeOnExec[descriptor / 64] >> (descriptor % 64) & 1) != 0;
            Current = new OpenFile(descriptor, FileStruct.At(_files.Kernel, new GuestVirtualAddress(file)), closeOnExec);
            _files.Kernel.Follow(_files.Address, Current.File.Address);
            return true;
        }

        return false;
    }
}
