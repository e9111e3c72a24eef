namespace Watari.Introspection.Types;

/// <summary>
/// What a kernel's types say of one member, in one word, so that it is written and read whole: the byte offset below, and above
/// it the array's length, or a bitfield's place, width and sign.
/// </summary>
public readonly record struct KernelSlot(long Raw)
{
    private const int ExtraShift = 32;

    /// <summary>Not looked up yet. The only negative value, so that the hot path is one comparison.</summary>
    internal static KernelSlot Unresolved => new(-1);

    /// <summary>Looked up, and the kernel has no such member.</summary>
    internal static KernelSlot Absent => new(long.MaxValue);

    internal bool IsResolved => Raw >= 0;

    public bool IsAbsent => Raw == long.MaxValue;

    /// <summary>Bytes from the start of the structure; of a slot 0, the structure's size.</summary>
    public ulong Offset => (uint)Raw;

    /// <summary>An array's length.</summary>
    public int Length => (int)(Raw >> ExtraShift);

    internal int BitShift => (int)(Raw >> ExtraShift) & 0x3f;

    internal int BitWidth => (int)(Raw >> (ExtraShift + 8)) & 0x7f;

    internal bool BitsSigned => (Raw >> (ExtraShift + 16) & 1) != 0;

    internal static KernelSlot At(int offset, int length = 0) => new((long)length << ExtraShift | (uint)offset);

    internal static KernelSlot Bits(int offset, int shift, int width, bool signed) =>
        At(offset, shift | width << 8 | (signed ? 1 << 16 : 0));
}
