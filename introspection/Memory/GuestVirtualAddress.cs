namespace Watari.Introspection.Memory;

/// <summary>An address in one of the guest's virtual address spaces (the kernel's or a process's), in bytes.</summary>
public readonly record struct GuestVirtualAddress(ulong Value) : IComparable<GuestVirtualAddress>
{
    public static GuestVirtualAddress Null => default;

    public bool IsNull => Value == 0;

    /// <summary>In the upper half, where the kernel lives.</summary>
    public bool IsKernel => (long)Value < 0;

    public ulong PageOffset => Value & GuestPage.OffsetMask;

    public GuestVirtualAddress PageStart => new(Value & ~GuestPage.OffsetMask);

    public int CompareTo(GuestVirtualAddress other) => Value.CompareTo(other.Value);

    public static GuestVirtualAddress operator +(GuestVirtualAddress address, ulong bytes) => new(unchecked(address.Value + bytes));

    public static GuestVirtualAddress operator -(GuestVirtualAddress address, ulong bytes) => new(unchecked(address.Value - bytes));

    public static ulong operator -(GuestVirtualAddress left, GuestVirtualAddress right) => unchecked(left.Value - right.Value);

    public static bool operator <(GuestVirtualAddress left, GuestVirtualAddress right) => left.Value < right.Value;

    public static bool operator >(GuestVirtualAddress left, GuestVirtualAddress right) => left.Value > right.Value;

    public static bool operator <=(GuestVirtualAddress left, GuestVirtualAddress right) => left.Value <= right.Value;

    public static bool operator >=(GuestVirtualAddress left, GuestVirtualAddress right) => left.Value >= right.Value;

    public override string ToString() => $"0x{Value:x}";
}
