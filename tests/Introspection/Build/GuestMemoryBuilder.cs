using System.Runtime.InteropServices;

namespace Watari.Introspection.Tests.Build;

/// <summary>A small guest's RAM to write tests' structures into, byte by byte, and to read back as introspection does.</summary>
public sealed unsafe class GuestMemoryBuilder : IDisposable
{
    private readonly List<nint> _allocations = [];
    private readonly List<GuestMemorySegment> _segments = [];

    private GuestPhysicalAddress _nextPage;

    public GuestMemoryBuilder(long length = 1 << 20)
    {
        AddSegment(new GuestPhysicalAddress(0), length);
        _nextPage = new GuestPhysicalAddress((ulong)length);
    }

    public GuestPhysicalMemory Memory => new(_segments);

    public GuestMemoryWriter Writer => new(_segments);

    public GuestMemoryBuilder AddSegment(GuestPhysicalAddress start, long length)
    {
        nint pointer = (nint)NativeMemory.AlignedAlloc((nuint)length, GuestPage.Size);
        NativeMemory.Clear((void*)pointer, (nuint)length);
        _allocations.Add(pointer);
        _segments.Add(new GuestMemorySegment(start, pointer, length));
        return this;
    }

    /// <summary>A page of the first segment that nobody else uses, from its end downwards.</summary>
    public GuestPhysicalAddress TakePage() => _nextPage = new GuestPhysicalAddress(_nextPage.Value - GuestPage.Size);

    public GuestMemoryBuilder Put<T>(GuestPhysicalAddress address, T value) where T : unmanaged
    {
        Writer.Write(address, value);
        return this;
    }

    public GuestMemoryBuilder Put(GuestPhysicalAddress address, ReadOnlySpan<byte> bytes)
    {
        Writer.Write(address, bytes);
        return this;
    }

    public void Dispose()
    {
        foreach (nint allocation in _allocations) NativeMemory.AlignedFree((void*)allocation);
        _allocations.Clear();
    }
}
