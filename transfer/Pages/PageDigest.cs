using System.IO.Hashing;

namespace Watari.Transfer;

/// <summary>
/// A hash over a set of pages and where they belong: the sum of each page's XxHash128 weighted by its address space and
/// page number.
/// </summary>
/// <remarks>
/// A sum does not depend on the order, so streams can be added up, and what a writer put into a guest, in whatever order
/// and chunks, can be held against what the source read. It guards against loss and mistakes, not against forgery.
/// </remarks>
public readonly record struct PageDigest(UInt128 Value)
{
    public static PageDigest operator +(PageDigest left, PageDigest right) => new(unchecked(left.Value + right.Value));

    public static PageDigest Add(PageDigest left, PageDigest right) => left + right;

    /// <summary>This set with one more page in it.</summary>
    public PageDigest With(AddressSpaceId space, VirtualPage page, ReadOnlySpan<byte> contents) =>
        new(unchecked(Value + XxHash128.HashToUInt128(contents) * Weight(space, page)));

    /// <summary>This set with consecutive pages added, their contents one after the other.</summary>
    public PageDigest WithRun(AddressSpaceId space, VirtualPage first, ReadOnlySpan<byte> contents)
    {
        PageDigest digest = this;
        for (int offset = 0; offset < contents.Length; offset += PageCount.Size)
            digest = digest.With(space, first + offset / PageCount.Size, contents.Slice(offset, PageCount.Size));
        return digest;
    }

    /// <summary>This set with the places of zero pages added; they have no contents to hash.</summary>
    internal PageDigest WithPlaces(AddressSpaceId space, VirtualPage first, long pages) =>
        new(unchecked(Value + Weight(space, first) * Weight(new AddressSpaceId(uint.MaxValue), new VirtualPage((ulong)pages))));

    // Odd, so that no bit of the page's hash is lost; mixed (the finaliser of SplitMix64), so that pages that changed
    // places do not cancel out.
    private static UInt128 Weight(AddressSpaceId space, VirtualPage page)
    {
        ulong x = unchecked(page.Number + space.Value * 0x9E3779B97F4A7C15UL + 0x9E3779B97F4A7C15UL);
        x = unchecked((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9UL);
        x = unchecked((x ^ (x >> 27)) * 0x94D049BB133111EBUL);
        x ^= x >> 31;
        return new UInt128(x, unchecked(x * 0xD6E8FEB86659FD93UL) | 1);
    }

    public override string ToString() => Value.ToString("x32", System.Globalization.CultureInfo.InvariantCulture);
}
