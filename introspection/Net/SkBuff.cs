using System.Buffers;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Net;

/// <summary>A queue of packets (include/linux/skbuff.h).</summary>
[KernelStruct("sk_buff_head")]
public readonly partial record struct SkBuffHead
{
    [Field] public partial GuestVirtualAddress Next { get; }

    [Field] public partial uint Qlen { get; }

    /// <summary>The packets, the oldest first: skb_queue_walk.</summary>
    /// <exception cref="KernelWalkException">The queue does not come back to its head.</exception>
    public IEnumerable<SkBuff> Packets
    {
        get
        {
            int left = Kernel.Limits.Entries;
            for (GuestVirtualAddress next = Next; next != Address;)
            {
                Kernel.TakeSteps(1);
                if (next.IsNull || --left < 0)
                    throw Kernel.Astray(Address, "sk_buff_head.next", $"the queue does not come back to its head within {Kernel.Limits.Entries} packets");
                SkBuff packet = SkBuff.At(Kernel, next);
                Kernel.Follow(Address, next);
                yield return packet;
                next = packet.Next;
            }
        }
    }
}

/// <summary>A packet (include/linux/skbuff.h).</summary>
[KernelStruct("sk_buff")]
public readonly partial record struct SkBuff
{
    [Field] public partial GuestVirtualAddress Next { get; }

    /// <summary>Its node in the tree of what was sent and not acknowledged.</summary>
    [Embedded("rbnode")] public partial RbNode Node { get; }

    /// <summary>48 bytes for whoever has the packet.</summary>
    [Field] public partial KernelArray<byte> Cb { get; }

    /// <summary>All of its bytes.</summary>
    [Field] public partial uint Len { get; }

    /// <summary>Those of them that lie in pages and further packets.</summary>
    [Field] public partial uint DataLen { get; }

    [Field] public partial GuestVirtualAddress Head { get; }

    [Field] public partial GuestVirtualAddress Data { get; }

    /// <summary>From the head on; a number where pointers have 64 bits (NET_SKBUFF_DATA_USES_OFFSET).</summary>
    [Field] public partial uint End { get; }

    private SkbSharedInfo Shared => SkbSharedInfo.At(Kernel, Head + End);

    /// <summary>Its bytes, appended to what is there: skb_copy_bits.</summary>
    /// <exception cref="KernelWalkException">More than <see cref="IntrospectionLimits.QueueBytes"/>, or they cannot be read.</exception>
    public void AppendTo(ArrayBufferWriter<byte> bytes) => AppendTo(bytes, depth: 0);

    private void AppendTo(ArrayBufferWriter<byte> bytes, int depth)
    {
        if (depth == Kernel.Limits.Depth) throw Kernel.Astray(Address, "skb_shared_info.frag_list", $"packets are nested more than {Kernel.Limits.Depth} deep");
        uint length = Len;
        uint paged = DataLen;
        if (paged > length) throw Kernel.Astray(Address, "sk_buff.data_len", $"is {paged}, more than all of its {length} bytes");
        int start = bytes.WrittenCount;
        QueuedBytes.Append(Kernel, bytes, Address, Data, length - paged, "sk_buff.len");
        if (paged == 0) return;

        SkbSharedInfo shared = Shared;
        KernelStructArray<SkbFrag> fragments = shared.Frags;
        int count = shared.NrFrags;
        if (count > fragments.Length) throw Kernel.Astray(shared.Address, "skb_shared_info.nr_frags", $"is {count}, and there is room for {fragments.Length}");
        for (int i = 0; i < count; i++)
        {
            SkbFrag fragment = fragments[i];
            if (!fragment.IsPage) throw Kernel.Astray(fragment.Address, "skb_frag.netmem", "lies in the memory of a device");
            QueuedBytes.Append(Kernel, bytes, fragment.Address, Kernel.Pages.FrameOf(fragment.Page).Address + fragment.Offset, fragment.Len, "skb_frag.len");
        }

        int left = Kernel.Limits.Entries;
        for (GuestVirtualAddress next = shared.FragList; !next.IsNull; next = At(Kernel, next).Next)
        {
            Kernel.TakeSteps(1);
            if (--left < 0) throw Kernel.Astray(shared.Address, "skb_shared_info.frag_list", $"the list does not end within {Kernel.Limits.Entries} packets");
            At(Kernel, next).AppendTo(bytes, depth + 1);
        }

        if (bytes.WrittenCount - start != length)
            throw Kernel.Astray(Address, "sk_buff.len", $"is {length}, but {bytes.WrittenCount - start} bytes are there");
    }
}

/// <summary>What clones of a packet share (include/linux/skbuff.h).</summary>
[KernelStruct("skb_shared_info")]
public readonly partial record struct SkbSharedInfo
{
    [Field] public partial byte NrFrags { get; }

    [Field] public partial GuestVirtualAddress FragList { get; }

    [Field] public partial KernelStructArray<SkbFrag> Frags { get; }
}

/// <summary>A piece of a packet in a page: a structure of its own since v6.10, a bio_vec from v5.4 on.</summary>
[KernelStruct("skb_frag", "bio_vec")]
public readonly partial record struct SkbFrag
{
    private const ulong DeviceMemory = 1; // NET_IOV

    [Field("netmem", "bv_page")] public partial GuestVirtualAddress Page { get; }

    [Field("len", "bv_len")] public partial uint Len { get; }

    [Field("offset", "bv_offset")] public partial uint Offset { get; }

    public bool IsPage => (Page.Value & DeviceMemory) == 0;
}
