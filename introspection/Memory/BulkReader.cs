namespace Watari.Introspection.Memory;

/// <summary>
/// Reads much of a guest's RAM, each byte once: in place where it is mapped, into a buffer of its own where it is not, past what is held of it.
/// For one thread.
/// </summary>
public sealed class BulkReader(GuestPhysicalMemory memory)
{
    private byte[] _buffer = [];

    public GuestPhysicalMemory Memory => memory;

    /// <summary>The bytes at an address, valid until the next call.</summary>
    /// <exception cref="GuestMemoryException">Not all of them are RAM.</exception>
    public ReadOnlySpan<byte> Read(GuestPhysicalAddress address, int length)
    {
        if (memory.IsMapped) return memory.Span(address, length);
        if (_buffer.Length < length) _buffer = GC.AllocateUninitializedArray<byte>(length);
        memory.Copy(address, _buffer.AsSpan(0, length));
        return _buffer.AsSpan(0, length);
    }

    /// <summary>Whether the guest has these bytes at an address; false if not all of it is RAM.</summary>
    public bool Equal(GuestPhysicalAddress address, ReadOnlySpan<byte> bytes) =>
        memory.BytesFrom(address) >= (ulong)bytes.Length && Read(address, bytes.Length).SequenceEqual(bytes);
}
