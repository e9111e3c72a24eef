namespace Watari.Introspection.Log;

/// <summary>
/// The kernel's log, as <c>dmesg</c> shows it. The guest may write to it meanwhile: a record that is being written, or whose place
/// was taken by another while it was read, is left out.
/// <code>foreach (KernelLogRecord record in kernel.Log) Console.WriteLine(record.Text);</code>
/// </summary>
public static class KernelLog
{
    extension(GuestKernel kernel)
    {
        /// <summary>Its records, oldest first.</summary>
        /// <exception cref="KernelTypeException">The kernel keeps its log in another way: it is older than v5.10.</exception>
        /// <exception cref="KernelWalkException">Its rings are absurd.</exception>
        public KernelLogRecords Log => kernel.LogFrom(0);

        /// <summary>Those of this sequence number and later ones; what was overwritten meanwhile is not among them.</summary>
        public KernelLogRecords LogFrom(ulong sequence) => new(PrintkRingBuffer.Of(kernel), sequence);
    }
}

/// <summary>A record of the kernel's log (struct printk_info).</summary>
/// <param name="Sequence">Counts from 0 at boot, without gaps.</param>
/// <param name="Nanoseconds">On the clock of <c>local_clock</c>, which begins at boot and stands still during a suspend.</param>
/// <param name="Level">0 (emerg) to 7 (debug).</param>
/// <param name="Facility">0 is the kernel's own (include/uapi/linux/syslog.h knows the others as syslog(3) does).</param>
/// <param name="CallerId">The thread's id, or with bit 31 set the processor's number.</param>
/// <param name="Text">As it was written, of any bytes; lines are parted by '\n'. Valid until the next record is read.</param>
public readonly record struct KernelLogRecord(ulong Sequence, ulong Nanoseconds, byte Level, byte Facility, uint CallerId, ReadOnlyMemory<byte> Text);

/// <summary>A walk through the records from the oldest to the newest: prb_for_each_record.</summary>
public struct KernelLogRecords
{
    private const int MostRingBits = 31; // LOG_BUF_LEN_MAX, kernel/printk/printk.c
    private const int StateShift = 62; // DESC_FLAGS_SHIFT
    private const ulong IdMask = (1UL << StateShift) - 1;
    private const ulong Finalized = 2; // 4cfc7258f876, v5.10; a committed one may still be extended, and readers do not see it
    private const ulong EmptyLine = 3; // NO_LPOS, EMPTY_LINE_LPOS; FAILED_LPOS (1) is a text that was lost
    private const ulong DataLess = 1;
    private const int BlockHeader = sizeof(ulong); // prb_data_block.id

    private readonly GuestKernel _kernel;
    private readonly PrbDataRing _data;
    private readonly GuestVirtualAddress _descs;
    private readonly GuestVirtualAddress _infos;
    private readonly GuestVirtualAddress _text;
    private readonly ulong _count;
    private readonly ulong _size;
    private readonly ulong _from;
    private readonly byte[] _buffer;
    private ulong _id;
    private ulong _left;

    internal KernelLogRecords(PrintkRingBuffer log, ulong from)
    {
        _kernel = log.Kernel;
        PrbDescRing ring = log.DescRing;
        _data = log.TextDataRing;
        _from = from;
        uint bits = ring.CountBits;
        if (bits >= MostRingBits || 1L << (int)bits > _kernel.Limits.Entries)
            throw _kernel.Astray(ring.Address, "prb_desc_ring.count_bits", $"is {bits}, and the limit is {_kernel.Limits.Entries} records");
        uint sizeBits = _data.SizeBits;
        if (sizeBits is < 4 or > MostRingBits) throw _kernel.Astray(_data.Address, "prb_data_ring.size_bits", $"is {sizeBits}, and {MostRingBits} at most in any kernel");
        _count = 1UL << (int)bits;
        _size = 1UL << (int)sizeBits;
        _descs = ring.Descs;
        _infos = ring.Infos;
        _text = _data.Data;
        _buffer = new byte[Math.Min(_size, ushort.MaxValue)];

        // The oldest is looked at first: it only moves on.
        ulong tail = ring.TailId;
        ulong head = ring.HeadId;
        _left = Math.Min((head - tail & IdMask) + 1, _count);
        _id = head - _left + 1 & IdMask;
    }

    public KernelLogRecord Current { get; private set; }

    public readonly KernelLogRecords GetEnumerator() => this;

    public bool MoveNext()
    {
        while (_left > 0)
        {
            ulong id = _id;
            _id = id + 1 & IdMask;
            _left--;
            _kernel.TakeSteps(1);
            if (TryRead(id, out KernelLogRecord record))
            {
                Current = record;
                return true;
            }
        }

        return false;
    }

    private readonly bool TryRead(ulong id, out KernelLogRecord record)
    {
        record = default;
        ulong index = id & (_count - 1);
        PrbDesc desc = PrbDesc.At(_kernel, _descs + index * (ulong)_kernel.SizeOf<PrbDesc>());
        ulong state = desc.StateVar;
        if (state != (Finalized << StateShift | id)) return false;
        PrintkInfo info = PrintkInfo.At(_kernel, _infos + index * (ulong)_kernel.SizeOf<PrintkInfo>());
        ulong sequence = info.Seq;
        // A record's number and its id have the same place in the rings.
        if ((sequence & (_count - 1)) != index || sequence < _from) return false;
        if (!TryReadText(id, desc.Begin, desc.Next, info.TextLen, out int length)) return false;
        record = new KernelLogRecord(sequence, info.TsNsec, info.Level, info.Facility, info.CallerId, _buffer.AsMemory(0, length));

        // The memory that all of it came from may have been given to another record meanwhile.
        Thread.MemoryBarrier();
        return desc.StateVar == state;
    }

    /// <summary>The text of a block: get_data in kernel/printk/printk_ringbuffer.c.</summary>
    private readonly bool TryReadText(ulong id, ulong begin, ulong next, int wanted, out int length)
    {
        length = 0;
        if ((begin & DataLess) != 0 && (next & DataLess) != 0) return begin == EmptyLine && next == EmptyLine;
        // A block does not span the ring's end: one that would begins anew at its start, with its header. It may end exactly there.
        bool wraps = begin / _size != (next - 1) / _size;
        if (wraps && (begin + _size) / _size != (next - 1) / _size) return false;
        ulong start = wraps ? 0 : begin & (_size - 1);
        ulong room = wraps ? (next - 1 & (_size - 1)) + 1 : next - begin;
        if (room < BlockHeader || room > _size - start || (ulong)wanted > room - BlockHeader) return false;
        _kernel.TakeBytes(wanted);
        if (_kernel.AddressSpace.Read<ulong>(_text + start) != id) return false;
        _kernel.Copy(_text, _text + start + BlockHeader, _buffer.AsSpan(0, wanted), "char[]");
        length = wanted;
        return true;
    }
}
