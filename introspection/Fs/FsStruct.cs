namespace Watari.Introspection.Fs;

/// <summary>A process's root and working directory (include/linux/fs_struct.h).</summary>
[KernelStruct("fs_struct")]
public readonly partial record struct FsStruct
{
    [Field] public partial int Umask { get; }

    [Embedded] public partial PathStruct Root { get; }

    [Embedded] public partial PathStruct Pwd { get; }
}
