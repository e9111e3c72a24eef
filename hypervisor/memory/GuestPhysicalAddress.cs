using System.Globalization;

namespace Watari.Hypervisor;

/// <summary>An address as the guest's memory bus knows it. It is no address of ours and no offset into a file.</summary>
public readonly record struct GuestPhysicalAddress(ulong Value) : IComparable<GuestPhysicalAddress>
{
    /// <summary>The address so many bytes further on.</summary>
    public static GuestPhysicalAddress operator +(GuestPhysicalAddress start, long bytes) => new(checked(start.Value + (ulong)bytes));

    /// <summary>Bytes from one address to another.</summary>
    public static long operator -(GuestPhysicalAddress end, GuestPhysicalAddress start) => checked((long)(end.Value - start.Value));

    public static bool operator <(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value < right.Value;
    public static bool operator >(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value > right.Value;
    public static bool operator <=(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value <= right.Value;
    public static bool operator >=(GuestPhysicalAddress left, GuestPhysicalAddress right) => left.Value >= right.Value;

    public static GuestPhysicalAddress Add(GuestPhysicalAddress left, long right) => left + right;

    public static long Subtract(GuestPhysicalAddress left, GuestPhysicalAddress right) => left - right;

    public int CompareTo(GuestPhysicalAddress other) => Value.CompareTo(other.Value);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:x}");
}
