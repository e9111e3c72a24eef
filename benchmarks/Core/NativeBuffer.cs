using System.Runtime.InteropServices;

namespace Watari.Benchmarks.Core;

/// <summary>Page-aligned memory outside the managed heap, as a mapping of guest RAM is.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private readonly byte* _start;

    public NativeBuffer(int bytes)
    {
        Length = bytes;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, 4096);
    }

    public int Length { get; }

    public Span<byte> Span => new(_start, Length);

    public void Dispose() => NativeMemory.AlignedFree(_start);
}
