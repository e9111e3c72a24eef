namespace Watari.Introspection.Mm;

/// <summary>The kernel's record of one physical page (include/linux/mm_types.h).</summary>
[KernelStruct("page")]
public readonly partial record struct PageStruct
{
    private const ulong TailBit = 1;      // in compound_head
    private const ulong LowestMask = 0xffff_ffff_0000_0000; // no struct page lies so high
    private const ulong AnonymousBit = 1; // PAGE_MAPPING_ANON, in mapping

    [Field] public partial ulong Flags { get; }

    /// <summary>Of a tail page bit 0 is set: the head page plus one, or (v7.2, as compound_info) the mask that makes the tail's address the head's.</summary>
    [Field("compound_head", "compound_info")] private partial ulong CompoundHead { get; }

    [Field] public partial ulong Mapping { get; }

    /// <summary>Of a page of a block device: struct buffer_head *, the first of those that tell what of it is what.</summary>
    [Field] public partial ulong Private { get; }

    [Field("_mapcount")] public partial int Mapcount { get; }

    [Field("_refcount")] public partial int Refcount { get; }

    /// <summary>The first page of the compound page that this one belongs to; itself if it is single.</summary>
    public PageStruct Head
    {
        get
        {
            ulong head = CompoundHead;
            if ((head & TailBit) == 0) return this;
            return At(Kernel, new GuestVirtualAddress(head >= LowestMask ? Address.Value & head : head - TailBit));
        }
    }

    /// <summary>A process's own memory, not a file's.</summary>
    public bool IsAnonymous => (Head.Mapping & AnonymousBit) != 0;
}
