namespace Watari.Transfer;

/// <summary>The number of a page in an address space: a guest-virtual address divided by <see cref="PageCount.Size"/>.</summary>
public readonly record struct VirtualPage(ulong Number) : IComparable<VirtualPage>
{
    /// <summary>One past the last page of a 64-bit address space.</summary>
    public const ulong Limit = 1UL << 52;

    public static VirtualPage operator +(VirtualPage page, long pages) => new(checked(page.Number + (ulong)pages));

    public static VirtualPage Add(VirtualPage page, long pages) => page + pages;

    /// <summary>The pages from <paramref name="first"/> up to this one; negative when this one lies below.</summary>
    public long DistanceFrom(VirtualPage first) => (long)(Number - first.Number);

    public static bool operator <(VirtualPage left, VirtualPage right) => left.Number < right.Number;

    public static bool operator >(VirtualPage left, VirtualPage right) => left.Number > right.Number;

    public static bool operator <=(VirtualPage left, VirtualPage right) => left.Number <= right.Number;

    public static bool operator >=(VirtualPage left, VirtualPage right) => left.Number >= right.Number;

    public int CompareTo(VirtualPage other) => Number.CompareTo(other.Number);

    public override string ToString() => $"page 0x{Number:x}";
}
