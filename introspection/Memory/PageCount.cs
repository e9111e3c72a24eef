namespace Watari.Introspection.Memory;

/// <summary>A number of 4 KiB pages.</summary>
public readonly record struct PageCount(long Value) : IComparable<PageCount>
{
    public static PageCount Zero => default;

    public static PageCount One => new(1);

    public long Bytes => Value << GuestPage.Shift;

    /// <summary>As many pages as hold so many bytes.</summary>
    public static PageCount Covering(ulong bytes) => new((long)((bytes >> GuestPage.Shift) + ((bytes & GuestPage.OffsetMask) == 0 ? 0UL : 1UL)));

    public int CompareTo(PageCount other) => Value.CompareTo(other.Value);

    public static PageCount operator +(PageCount left, PageCount right) => new(left.Value + right.Value);

    public static PageCount operator -(PageCount left, PageCount right) => new(left.Value - right.Value);

    public static bool operator <(PageCount left, PageCount right) => left.Value < right.Value;

    public static bool operator >(PageCount left, PageCount right) => left.Value > right.Value;

    public static bool operator <=(PageCount left, PageCount right) => left.Value <= right.Value;

    public static bool operator >=(PageCount left, PageCount right) => left.Value >= right.Value;

    public override string ToString() => Value == 1 ? "1 page" : $"{Value} pages";
}
