namespace Watari.Introspection.Memory;

/// <summary>
/// Reads much of a guest's RAM, each byte once: in place, or into a buffer of its own, past what is held of it and past the mapping.
/// For one thread.
/// </summary>
public sealed class BulkReader(GuestPhysicalMemory memory)
{
    private const int ComparedBytes = 256 << 10; // at once: they are still in the processor's cache when they are compared

    private byte[] _buffer = [];

    public GuestPhysicalMemory Memory => memory;

    /// <summary>The bytes at an address, in place where RAM is mapped; valid until the next call.</summary>
    /// <exception cref="GuestMemoryException">Not all of them are RAM.</exception>
    public ReadOnlySpan<byte> Read(GuestPhysicalAddress address, int length) => memory.IsMapped ? memory.Span(address, length) : Copy(address, length);

    /// <summary>Whether the guest has these bytes at an address; false if not all of it is RAM.</summary>
    public bool Equal(GuestPhysicalAddress address, ReadOnlySpan<byte> bytes)
    {
        if (memory.BytesFrom(address) < (ulong)bytes.Length) return false;
        while (!bytes.IsEmpty)
        {
            int length = Math.Min(bytes.Length, ComparedBytes);
            if (!Copy(address, length).SequenceEqual(bytes[..length])) return false;
            address += (ulong)length;
            bytes = bytes[length..];
        }

        return true;
    }

    /// <summary>A copy of the bytes at an address, which nobody will look for in place; valid until the next call.</summary>
    /// <inheritdoc cref="Read"/>
    public ReadOnlySpan<byte> Copy(GuestPhysicalAddress address, int length)
    {
        if (_buffer.Length < length) _buffer = GC.AllocateUninitializedArray<byte>(length);
        memory.Copy(address, _buffer.AsSpan(0, length));
        return _buffer.AsSpan(0, length);
    }
}
