namespace Watari.Transfer;

/// <summary>
/// Which address space a page belongs to. The source chooses the numbers (CRIU's: the pid inside the container, or the
/// id of a shared-memory object); they mean the same at both ends.
/// </summary>
public readonly record struct AddressSpaceId(uint Value) : IComparable<AddressSpaceId>
{
    public int CompareTo(AddressSpaceId other) => Value.CompareTo(other.Value);

    public static bool operator <(AddressSpaceId left, AddressSpaceId right) => left.Value < right.Value;

    public static bool operator >(AddressSpaceId left, AddressSpaceId right) => left.Value > right.Value;

    public static bool operator <=(AddressSpaceId left, AddressSpaceId right) => left.Value <= right.Value;

    public static bool operator >=(AddressSpaceId left, AddressSpaceId right) => left.Value >= right.Value;

    public override string ToString() => $"address space {Value}";
}
