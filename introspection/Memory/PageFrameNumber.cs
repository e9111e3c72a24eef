namespace Watari.Introspection.Memory;

/// <summary>The number of a 4 KiB page in guest-physical memory.</summary>
public readonly record struct PageFrameNumber(ulong Value) : IComparable<PageFrameNumber>
{
    public GuestPhysicalAddress Address => new(Value << GuestPage.Shift);

    public int CompareTo(PageFrameNumber other) => Value.CompareTo(other.Value);

    public static PageFrameNumber operator +(PageFrameNumber frame, PageCount pages) => new(frame.Value + (ulong)pages.Value);

    public static bool operator <(PageFrameNumber left, PageFrameNumber right) => left.Value < right.Value;

    public static bool operator >(PageFrameNumber left, PageFrameNumber right) => left.Value > right.Value;

    public static bool operator <=(PageFrameNumber left, PageFrameNumber right) => left.Value <= right.Value;

    public static bool operator >=(PageFrameNumber left, PageFrameNumber right) => left.Value >= right.Value;

    public override string ToString() => $"pfn 0x{Value:x}";
}
