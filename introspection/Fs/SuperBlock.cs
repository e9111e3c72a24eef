namespace Watari.Introspection.Fs;

/// <summary>A file system that is there, mounted or internal (include/linux/fs.h).</summary>
[KernelStruct("super_block")]
public readonly partial record struct SuperBlock
{
    /// <summary>Its device number, major &lt;&lt; 20 | minor.</summary>
    [Field] public partial uint SDev { get; }

    [Field] public partial Ptr<FileSystemType> SType { get; }

    /// <summary>SB_* (include/linux/fs.h).</summary>
    [Field] public partial ulong SFlags { get; }

    [Field] public partial Ptr<DentryStruct> SRoot { get; }
}

/// <summary>include/linux/fs.h.</summary>
[KernelStruct("file_system_type")]
public readonly partial record struct FileSystemType
{
    /// <summary>"ext4", "tmpfs", "pipefs".</summary>
    [Field] public partial KernelCharPointer Name { get; }
}

/// <summary>A file's pages in memory (struct address_space, include/linux/fs.h).</summary>
[KernelStruct("address_space")]
public readonly partial record struct AddressSpaceStruct
{
    [Field] public partial Ptr<InodeStruct> Host { get; }

    [Field("nrpages")] public partial ulong PageCount { get; }
}
