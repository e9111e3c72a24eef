using Watari.Introspection.Fs;

namespace Watari.Introspection.Mm;

/// <summary>One mapping of a process (include/linux/mm_types.h): a line of /proc/PID/maps.</summary>
[KernelStruct("vm_area_struct")]
public readonly partial record struct VmAreaStruct
{
    [Field] public partial GuestVirtualAddress VmStart { get; }

    [Field] public partial GuestVirtualAddress VmEnd { get; }

    [Field] public partial VmFlags VmFlags { get; }

    /// <summary>Where in its file it begins, in pages.</summary>
    [Field] public partial ulong VmPgoff { get; }

    [Field] public partial Ptr<FileStruct> VmFile { get; }

    [Field] public partial GuestVirtualAddress VmOps { get; }

    [Field] public partial GuestVirtualAddress VmPrivateData { get; }

    /// <summary>Set once a page of its own was made here: a private mapping without one has only its file's pages.</summary>
    [Field] public partial GuestVirtualAddress AnonVma { get; }

    [Field(Optional = true)] public partial Ptr<VmAreaStruct>? VmNext { get; }

    /// <summary>struct mempolicy *: mbind(2).</summary>
    [Field(Optional = true)] public partial GuestVirtualAddress? VmPolicy { get; }

    public GuestVirtualRange Range => new(VmStart, VmEnd);

    public bool IsShared => VmFlags.HasFlag(VmFlags.Shared);

    /// <summary>"[vdso]", "[vvar]" and the like for what the kernel maps by itself; else null (arch_vma_name, vm_special_mapping).</summary>
    public string? SpecialName
    {
        get
        {
            if (!Kernel.Symbols.TryFind("special_mapping_vmops"u8, out GuestVirtualAddress special) || VmOps != special) return null;
            return VmSpecialMapping.At(Kernel, VmPrivateData).Name.ToString();
        }
    }
}

[KernelStruct("vm_special_mapping")]
public readonly partial record struct VmSpecialMapping
{
    [Field] public partial KernelCharPointer Name { get; }
}
