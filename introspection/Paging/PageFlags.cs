namespace Watari.Introspection.Paging;

/// <summary>What a page-table entry says of its page.</summary>
[Flags]
public enum PageFlags
{
    None = 0,
    Writable = 1 << 0,

    /// <summary>The processor's own dirty bit.</summary>
    Dirty = 1 << 1,

    /// <summary>Written since soft-dirty tracking was last armed (bit 11; Documentation/admin-guide/mm/soft-dirty.rst).</summary>
    SoftDirty = 1 << 2,

    /// <summary>Mapped by an entry of 2 MiB or 1 GiB. The dirty bits then speak of the whole of it.</summary>
    Huge = 1 << 3,

    /// <summary>The page is there, but the process may not touch it (PROT_NONE).</summary>
    ProtNone = 1 << 4,
}
