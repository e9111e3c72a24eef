namespace Watari.Introspection.Paging;

/// <summary>A virtual address with no memory behind it: never mapped, swapped out, or not an address at all.</summary>
public sealed class PageNotPresentException(GuestVirtualAddress address)
    : IntrospectionException($"No page is present at {address}.")
{
    public GuestVirtualAddress Address { get; } = address;
}
