namespace Watari.Transfer;

/// <summary>A number of guest pages of <see cref="Size"/> bytes. Never an address, never a number of bytes.</summary>
public readonly record struct PageCount(long Value) : IComparable<PageCount>
{
    /// <summary>Bytes in a page: the x86-64 base page. Huge pages travel as runs of base pages.</summary>
    public const int Size = 4096;

    public static PageCount Zero => default;

    /// <summary>The same amount in bytes.</summary>
    public long Bytes => checked(Value * Size);

    public static PageCount operator +(PageCount left, PageCount right) => new(checked(left.Value + right.Value));

    public static PageCount operator -(PageCount left, PageCount right) => new(checked(left.Value - right.Value));

    public static bool operator <(PageCount left, PageCount right) => left.Value < right.Value;

    public static bool operator >(PageCount left, PageCount right) => left.Value > right.Value;

    public static bool operator <=(PageCount left, PageCount right) => left.Value <= right.Value;

    public static bool operator >=(PageCount left, PageCount right) => left.Value >= right.Value;

    public static PageCount Add(PageCount left, PageCount right) => left + right;

    public static PageCount Subtract(PageCount left, PageCount right) => left - right;

    public int CompareTo(PageCount other) => Value.CompareTo(other.Value);

    public override string ToString() => $"{Value} pages";
}
