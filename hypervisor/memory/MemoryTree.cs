using System.Globalization;
using System.Text.RegularExpressions;

namespace Watari.Hypervisor;

/// <summary>Where a stretch of a RAM block appears in the guest's physical memory.</summary>
/// <param name="Start">First address of it.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Block">QEMU's name of the block: the id of its memory backend, in some machine types as <c>/objects/id</c>.</param>
/// <param name="Offset">Bytes from the start of the block.</param>
internal readonly record struct MappedBlock(GuestPhysicalAddress Start, long Length, string Block, long Offset)
{
    internal GuestPhysicalAddress End => Start + Length;
}

/// <summary>
/// QEMU's memory tree as its flat views print it (HMP <c>info mtree -f</c>, mtree_print_flatview() in system/memory.c):
/// what the guest's processors see at each physical address.
/// </summary>
internal static partial class MemoryTree
{
    /// <summary>
    /// RAM and ROM of the address space <c>memory</c>, low addresses first. Stretches of one block that are parted only by a window laid over it
    /// (VGA and BIOS below 1 MiB, SMRAM) are joined: the bytes under the window are in the block too, at the same distance.
    /// The PCI hole parts them, for beyond it the distance is another.
    /// </summary>
    /// <exception cref="HypervisorException">The text holds no such address space.</exception>
    internal static IReadOnlyList<MappedBlock> ReadBlocks(string flatViews)
    {
        string view = flatViews.Split("FlatView #").FirstOrDefault(text => text.Contains(" AS \"memory\",", StringComparison.Ordinal))
            ?? throw new HypervisorException("QEMU's memory tree (HMP info mtree -f) shows no address space \"memory\": this QEMU prints it in another form than 5.0 to 10 do.");
        var blocks = new List<MappedBlock>();
        foreach (MappedBlock piece in RamRange().Matches(view).Select(Read).OrderBy(piece => piece.Start))
        {
            int before = blocks.FindLastIndex(block => block.Block == piece.Block);
            if (before >= 0 && piece.Start - blocks[before].Start == piece.Offset - blocks[before].Offset)
                blocks[before] = blocks[before] with { Length = piece.End - blocks[before].Start };
            else
                blocks.Add(piece);
        }
        return blocks;
    }

    private static MappedBlock Read(Match range)
    {
        ulong first = Hex(range.Groups["first"]), last = Hex(range.Groups["last"]);
        if (last < first) throw new HypervisorException($"QEMU's memory tree shows a range that ends before it starts: {range.Value.Trim()}.");
        return new(new(first), checked((long)(last - first + 1)), range.Groups["name"].Value, checked((long)Hex(range.Groups["offset"])));
    }

    private static ulong Hex(Group digits) => digits.Success ? ulong.Parse(digits.Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture) : 0;

    // "  0000000100000000-000000017fffffff (prio 0, ram): ram @0000000080000000 KVM"
    [GeneratedRegex(@"^ +(?<first>[0-9a-f]{16})-(?<last>[0-9a-f]{16}) \(prio -?\d+, (nv-)?(ram|rom)\): (?<name>.+?)( @(?<offset>[0-9a-f]{16}))?( KVM)?\r?$", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex RamRange();
}
