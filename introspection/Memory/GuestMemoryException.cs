namespace Watari.Introspection.Memory;

/// <summary>A guest-physical access that is not, or not wholly, in the guest's RAM.</summary>
public sealed class GuestMemoryException(GuestPhysicalAddress address, long length)
    : IntrospectionException($"{length} bytes at {address} are not in the guest's RAM.")
{
    public GuestPhysicalAddress Address { get; } = address;

    public long Length { get; } = length;
}
