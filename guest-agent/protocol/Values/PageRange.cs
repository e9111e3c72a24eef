using System.Buffers.Binary;

namespace Watari.GuestAgent.Protocol;

/// <summary>Pages of a process: on the wire 16 bytes, u64 first address (a multiple of 4096), u64 number of pages.</summary>
/// <param name="Address">The guest-virtual address of the first page.</param>
/// <param name="Pages">How many pages of 4096 bytes.</param>
public readonly record struct PageRange(ulong Address, ulong Pages)
{
    public const int WireSize = 16;

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, Address);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Pages);
    }

    public static PageRange Read(ReadOnlySpan<byte> from) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(from), BinaryPrimitives.ReadUInt64LittleEndian(from[8..]));
}

/// <summary>
/// A run of a landing zone's pages that lie one behind the other in guest-physical memory: on the
/// wire 24 bytes, u64 page of the file, u64 page frame number, u64 number of pages.
/// </summary>
/// <param name="FilePage">The page's number in the file: file offset / 4096.</param>
/// <param name="Frame">The guest-physical page frame number: guest-physical address / 4096.</param>
/// <param name="Pages">How many pages of 4096 bytes.</param>
public readonly record struct LandingRun(ulong FilePage, ulong Frame, ulong Pages)
{
    public const int WireSize = 24;

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(to, FilePage);
        BinaryPrimitives.WriteUInt64LittleEndian(to[8..], Frame);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], Pages);
    }

    public static LandingRun Read(ReadOnlySpan<byte> from) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(from), BinaryPrimitives.ReadUInt64LittleEndian(from[8..]), BinaryPrimitives.ReadUInt64LittleEndian(from[16..]));
}
