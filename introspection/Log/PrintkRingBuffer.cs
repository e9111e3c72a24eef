namespace Watari.Introspection.Log;

/// <summary>The kernel's log (kernel/printk/printk_ringbuffer.h; the lockless one of 896fbe20b4e2, v5.10).</summary>
[KernelStruct("printk_ringbuffer")]
public readonly partial record struct PrintkRingBuffer
{
    [Embedded] public partial PrbDescRing DescRing { get; }

    [Embedded] public partial PrbDataRing TextDataRing { get; }

    /// <summary>The one that is written to: of the kernel's image at first, and one of the size that <c>log_buf_len</c> asks for later.</summary>
    /// <exception cref="KernelTypeException">The kernel keeps its log in another way: it is older than v5.10.</exception>
    public static PrintkRingBuffer Of(GuestKernel kernel)
    {
        if (!kernel.CoreInfo.TryGetSymbol("prb", out GuestVirtualAddress variable) && !kernel.Symbols.TryFind("prb"u8, out variable))
            throw new KernelTypeException($"Linux {kernel.Release} has no printk ring buffer (prb): it came with v5.10.");
        return At(kernel, new GuestVirtualAddress(kernel.AddressSpace.Read<ulong>(variable)));
    }
}

/// <summary>Descriptors and infos of records, by the low bits of a record's id.</summary>
[KernelStruct("prb_desc_ring")]
public readonly partial record struct PrbDescRing
{
    /// <summary>How many there are, as a power of two.</summary>
    [Field] public partial uint CountBits { get; }

    [Field] public partial GuestVirtualAddress Descs { get; }

    /// <summary>In an array of their own since v5.10.</summary>
    [Field] public partial GuestVirtualAddress Infos { get; }

    /// <summary>The newest record's id.</summary>
    [Field] public partial ulong HeadId { get; }

    /// <summary>The oldest record's id.</summary>
    [Field] public partial ulong TailId { get; }
}

/// <summary>The text of records, by the low bits of a logical position.</summary>
[KernelStruct("prb_data_ring")]
public readonly partial record struct PrbDataRing
{
    /// <summary>Its bytes, as a power of two.</summary>
    [Field] public partial uint SizeBits { get; }

    [Field] public partial GuestVirtualAddress Data { get; }
}

/// <summary>A record's state and where its text lies.</summary>
[KernelStruct("prb_desc")]
public readonly partial record struct PrbDesc
{
    /// <summary>The id below, the state in the two uppermost bits.</summary>
    [Field] public partial ulong StateVar { get; }

    [Field("text_blk_lpos.begin")] public partial ulong Begin { get; }

    [Field("text_blk_lpos.next")] public partial ulong Next { get; }
}

/// <summary>What is known of a record beside its text.</summary>
[KernelStruct("printk_info")]
public readonly partial record struct PrintkInfo
{
    [Field] public partial ulong Seq { get; }

    [Field] public partial ulong TsNsec { get; }

    [Field] public partial ushort TextLen { get; }

    [Field] public partial byte Facility { get; }

    [BitField] public partial byte Level { get; }

    [Field] public partial uint CallerId { get; }
}
