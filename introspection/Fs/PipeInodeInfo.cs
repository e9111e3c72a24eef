using System.Buffers;

namespace Watari.Introspection.Fs;

/// <summary>The buffer of a pipe or FIFO (include/linux/pipe_fs_i.h).</summary>
[KernelStruct("pipe_inode_info")]
public readonly partial record struct PipeInodeInfo
{
    /// <summary>The slot that is written next; it counts on and is taken modulo the ring's size.</summary>
    [Field] public partial uint Head { get; }

    /// <summary>The slot that is read next.</summary>
    [Field] public partial uint Tail { get; }

    /// <summary>Slots, a power of two.</summary>
    [Field] public partial uint RingSize { get; }

    /// <summary>Slots that may be in use; F_GETPIPE_SZ is as many pages.</summary>
    [Field] public partial uint MaxUsage { get; }

    /// <summary>Open files that refer to it.</summary>
    [Field] public partial uint Files { get; }

    [Field] public partial GuestVirtualAddress Bufs { get; }

    /// <summary>F_GETPIPE_SZ, in bytes.</summary>
    public ulong Capacity => (ulong)MaxUsage * GuestPage.Size;

    /// <summary>The buffers that hold something, the oldest first.</summary>
    /// <exception cref="KernelWalkException">The ring is not one.</exception>
    public IEnumerable<PipeBuffer> Buffers
    {
        get
        {
            uint head = Head;
            uint tail = Tail;
            uint ring = RingSize;
            uint used = unchecked(head - tail);
            if (!System.Numerics.BitOperations.IsPow2(ring) || used > ring)
                throw Kernel.Astray(Address, "pipe_inode_info.ring_size", $"its ring has {ring} slots, of which {used} are in use");
            KernelStructArray<PipeBuffer> slots = new KernelStructArray<PipeBuffer>(Kernel, Bufs, 0).OfLength((int)Math.Min(ring, int.MaxValue));
            for (; tail != head; tail = unchecked(tail + 1)) yield return slots[(int)(tail & (ring - 1))];
        }
    }

    /// <summary>What stands unread in it.</summary>
    /// <exception cref="KernelWalkException">More than <see cref="IntrospectionLimits.QueueBytes"/>, or it cannot be read.</exception>
    public ReadOnlyMemory<byte> Unread()
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (PipeBuffer buffer in Buffers)
            QueuedBytes.Append(Kernel, bytes, buffer.Address, Kernel.Pages.FrameOf(buffer.Page).Address + buffer.Offset, buffer.Len, "pipe_buffer.len");
        return bytes.WrittenMemory;
    }
}

/// <summary>One slot of a pipe (include/linux/pipe_fs_i.h).</summary>
[KernelStruct("pipe_buffer")]
public readonly partial record struct PipeBuffer
{
    /// <summary>struct page *.</summary>
    [Field] public partial GuestVirtualAddress Page { get; }

    [Field] public partial uint Offset { get; }

    [Field] public partial uint Len { get; }

    /// <summary>PIPE_BUF_FLAG_*.</summary>
    [Field] public partial uint Flags { get; }

    /// <summary>A packet of a pipe that was opened with O_DIRECT.</summary>
    public bool IsPacket => (Flags & PacketFlag) != 0;

    private const uint PacketFlag = 8; // PIPE_BUF_FLAG_PACKET
}
