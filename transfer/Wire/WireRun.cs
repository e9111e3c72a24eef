using System.Runtime.InteropServices;

namespace Watari.Transfer.Wire;

/// <summary>Consecutive pages of an address space in a batch: either all with bytes or all zero.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct WireRun(uint Space, uint CountAndZero, ulong First)
{
    public const int Size = 16;
    private const uint ZeroBit = 1U << 31;

    public WireRun(AddressSpaceId space, VirtualPage first, uint count, bool zero)
        : this(space.Value, count | (zero ? ZeroBit : 0), first.Number)
    {
    }

    public bool IsZero => (CountAndZero & ZeroBit) != 0;

    public uint Count => CountAndZero & ~ZeroBit;

    public AddressSpaceId SpaceId => new(Space);

    public VirtualPage FirstPage => new(First);

    public WireRun Grown(uint pages) => this with { CountAndZero = CountAndZero + pages };
}
