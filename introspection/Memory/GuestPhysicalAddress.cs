namespace Watari.Introspection.Memory;

/// <summary>An address in the guest's physical address space, in bytes. Never mixes with a virtual one.</summary>
public readonly record struct GuestPhysicalAddress(ulong Value) : IComparable<GuestPhysicalAddress>
{
    public PageFrameNumber Frame => new(Value >> GuestPage.Shift);

    public int CompareTo(GuestPhysicalAddress other) => Value.CompareTo(other.Value);

    public static GuestPhysicalAddress operator +(GuestPhysicalAddress address, ulong bytes) => new(unchecked(address.Value + bytes));

    public static ulong operator -(GuestPhysicalAddress left, GuestPhysicalAddress right) => unchecked(left.Value - right.Value);

    public static bool operator <(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value < right.Value;

    public static bool operator >(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value > right.Value;

    public static bool operator <=(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value <= right.Value;

    public static bool operator >=(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value >= right.Value;

    public override string ToString() => $"physical 0x{Value:x}";
}
