using System.Text;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Log;

/// <summary>A kernel whose log has eight descriptors and 256 bytes of text, written as kernel/printk/printk_ringbuffer.c writes it.</summary>
public sealed class LogBuilder : IDisposable
{
    public const ulong Reserved = 0, Committed = 1, Finalized = 2, Reusable = 3;
    public const int Descriptors = 8, TextBytes = 256;
    private const int RingSize = 88, DescSize = 24, InfoSize = 32, Header = 8;
    private const ulong IdMask = (1UL << 62) - 1;

    private readonly GuestVirtualAddress _ring, _descs, _infos, _text;

    // Both begin just before they overflow, as the kernel's do.
    private ulong _id = unchecked(0UL - Descriptors - 1) & IdMask;
    private ulong _position = unchecked(0UL - TextBytes);
    private ulong _sequence = ulong.MaxValue;

    public LogBuilder()
    {
        BtfBuilder types = Kernel.Types;
        int counter = types.Typedef("atomic_long_t", types.Struct("", 8, BtfField.At(0, "counter", Kernel.Long)));
        int position = types.Struct("prb_data_blk_lpos", 16, BtfField.At(0, "begin", Kernel.Ulong), BtfField.At(8, "next", Kernel.Ulong));
        int descRing = types.Struct("prb_desc_ring", 40, BtfField.At(0, "count_bits", Kernel.Uint), BtfField.At(8, "descs", Kernel.VoidPointer),
            BtfField.At(16, "infos", Kernel.VoidPointer), BtfField.At(24, "head_id", counter), BtfField.At(32, "tail_id", counter));
        int dataRing = types.Struct("prb_data_ring", 32, BtfField.At(0, "size_bits", Kernel.Uint), BtfField.At(8, "data", Kernel.VoidPointer));
        types.Struct("printk_ringbuffer", RingSize, BtfField.At(0, "desc_ring", descRing), BtfField.At(48, "text_data_ring", dataRing));
        types.Struct("prb_desc", DescSize, BtfField.At(0, "state_var", counter), BtfField.At(8, "text_blk_lpos", position));
        int small = types.Int("u8", 1);
        types.Struct("printk_info", InfoSize, BtfField.At(0, "seq", Kernel.Ulong), BtfField.At(8, "ts_nsec", Kernel.Ulong), BtfField.At(16, "text_len", Kernel.Ushort),
            BtfField.At(18, "facility", small), BtfField.Bits(19 * 8, 5, "flags", small), BtfField.Bits(19 * 8 + 5, 3, "level", small), BtfField.At(20, "caller_id", Kernel.Uint));
        _ring = Kernel.Allocate(RingSize);
        _descs = Kernel.Allocate(Descriptors * DescSize);
        _infos = Kernel.Allocate(Descriptors * InfoSize);
        _text = Kernel.Allocate(TextBytes);
        Kernel.Put(_ring, 3).Put(_ring + 8, _descs).Put(_ring + 16, _infos).Put(_ring + 48, 8).Put(_ring + 56, _text);
        Kernel.Put(_ring + 24, _id).Put(_ring + 32, _id);
        Kernel.Variable("prb", _ring);
        // The tail that a boot begins with: reusable, and without text.
        Desc(_id, Reusable, 1, 1);
    }

    public GuestKernelBuilder Kernel { get; } = new();

    /// <summary>Whether a text may end exactly where the ring does, as in later kernels.</summary>
    public bool FillsToTheEnd { get; init; }

    public void Dispose() => Kernel.Dispose();

    /// <summary>Appends a record.</summary>
    /// <returns>Its id.</returns>
    public ulong Add(string text, int level = 6, ulong nanoseconds = 0, ulong state = Finalized)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        ulong size = ((ulong)bytes.Length + Header + 7) & ~7UL;
        ulong begin = _position, next = begin + size;
        bool wraps = begin / TextBytes != (FillsToTheEnd ? next - 1 : next) / TextBytes;
        if (wraps) next = next / TextBytes * TextBytes + size;
        _position = next;
        ulong id = Begin(begin, next, state, bytes.Length, level, nanoseconds);
        GuestVirtualAddress block = _text + (wraps ? 0 : begin % TextBytes);
        Kernel.Put(_text + begin % TextBytes, id).Put(block, id);
        Kernel.Guest.Put(GuestKernelBuilder.PhysicalOf(block + Header), bytes);
        return id;
    }

    /// <summary>Appends a record without text: EMPTY_LINE_LPOS (3) or FAILED_LPOS (1).</summary>
    public ulong AddWithoutText(ulong position, int length = 0) => Begin(position, position, Finalized, length, 6, 0);

    /// <summary>Gives a record's place to another.</summary>
    public void Foreign(ulong id) => Kernel.Put(DescOf(id), Finalized << 62 | (id + Descriptors & IdMask));

    public void TextLength(ulong id, ushort length) => Kernel.Put(InfoOf(id) + 16, length);

    public void BlockId(ulong id, ulong value) => Kernel.Put(_text + BeginOf(id) % TextBytes, value);

    /// <summary>The logical position at which a record's block begins.</summary>
    public ulong BeginOf(ulong id) => Kernel.Guest.Memory.Read<ulong>(GuestKernelBuilder.PhysicalOf(DescOf(id) + 8));

    public void Position(ulong id, ulong begin, ulong next) => Kernel.Put(DescOf(id) + 8, begin).Put(DescOf(id) + 16, next);

    public void CountBits(uint bits) => Kernel.Put(_ring, bits);

    public void SizeBits(uint bits) => Kernel.Put(_ring + 48, bits);

    public void Tail(ulong id) => Kernel.Put(_ring + 32, id);

    private ulong Begin(ulong begin, ulong next, ulong state, int length, int level, ulong nanoseconds)
    {
        _id = _id + 1 & IdMask;
        _sequence++;
        Desc(_id, state, begin, next);
        GuestVirtualAddress info = InfoOf(_id);
        Kernel.Put(info, _sequence).Put(info + 8, nanoseconds).Put(info + 16, (ushort)length).Put(info + 19, (byte)(level << 5)).Put(info + 20, 77u);
        Kernel.Put(_ring + 24, _id);
        ulong oldest = _id - Descriptors + 1 & IdMask;
        if (_sequence >= Descriptors - 1) Tail(oldest);
        return _id;
    }

    private void Desc(ulong id, ulong state, ulong begin, ulong next)
    {
        Kernel.Put(DescOf(id), state << 62 | id);
        Position(id, begin, next);
    }

    private GuestVirtualAddress DescOf(ulong id) => _descs + id % Descriptors * DescSize;

    private GuestVirtualAddress InfoOf(ulong id) => _infos + id % Descriptors * InfoSize;
}
