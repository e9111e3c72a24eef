using Watari.Introspection.Walks;

namespace Watari.Introspection.Fs;

/// <summary>A name in the directory cache (struct dentry, include/linux/dcache.h).</summary>
[KernelStruct("dentry")]
public readonly partial record struct DentryStruct
{
    private const int MaxNameLength = 255; // NAME_MAX

    /// <summary>The directory; of a file system's root and of a file without a name it is the dentry itself.</summary>
    [Field] public partial Ptr<DentryStruct> DParent { get; }

    [Embedded] public partial Qstr DName { get; }

    /// <summary>Null for a name that is known not to exist.</summary>
    [Field] public partial Ptr<InodeStruct> DInode { get; }

    /// <summary>Its node among its inode's names.</summary>
    [Embedded("d_u.d_alias", "d_alias")] public partial HlistNode Alias { get; }

    /// <summary>The names in it: an hlist since da549bdd15c2, v6.8, a list before.</summary>
    public DentryChildren Children => new(this);

    [Embedded(Optional = true)] internal partial HlistHead? DChildren { get; }

    [Embedded(Optional = true)] internal partial HlistNode? DSib { get; }

    [Embedded(Optional = true)] internal partial ListHead? DSubdirs { get; }

    [Embedded(Optional = true)] internal partial ListHead? DChild { get; }

    /// <summary>Its name's bytes.</summary>
    public byte[] Name
    {
        get
        {
            Qstr name = DName;
            uint length = name.Len;
            if (length > MaxNameLength) throw Kernel.Astray(Address, "dentry.d_name.len", $"is {length}; names have {MaxNameLength} bytes at most");
            byte[] bytes = new byte[length];
            Kernel.Copy(name.Name.Address, bytes, "char *");
            return bytes;
        }
    }

    /// <summary>The path from the root of its own file system: dentry_path.</summary>
    public ReadOnlyMemory<byte> PathInFileSystem => PathName.InFileSystem(this);

    public bool IsRoot => DParent.Address == Address;

    /// <summary>Its name was taken away while something still held it: d_unlinked.</summary>
    public bool IsUnlinked => HashedAt.IsNull && !IsRoot;

    [Field("d_hash.pprev")] private partial GuestVirtualAddress HashedAt { get; }
}

/// <summary>A name and its length (include/linux/dcache.h).</summary>
[KernelStruct("qstr")]
public readonly partial record struct Qstr
{
    [Field] public partial KernelCharPointer Name { get; }

    /// <summary>In bytes.</summary>
    [Field] public partial uint Len { get; }
}
