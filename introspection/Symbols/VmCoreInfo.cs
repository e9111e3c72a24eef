using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Watari.Introspection.Symbols;

/// <summary>
/// The note that a kernel keeps in its memory for crash tools: where its tables are, before anything else is known
/// (kernel/vmcore_info.c; Documentation/admin-guide/kdump/vmcoreinfo.rst).
/// </summary>
public sealed class VmCoreInfo
{
    private const int HeaderLength = 24; // Elf64_Nhdr, then the name padded to 12
    private const int NameOffset = 12;
    private const int MaxTextLength = GuestPage.Size; // VMCOREINFO_BYTES

    private readonly Dictionary<string, string> _values;

    private VmCoreInfo(GuestPhysicalAddress address, Dictionary<string, string> values)
    {
        Address = address;
        _values = values;
    }

    /// <summary>Where the note lies.</summary>
    public GuestPhysicalAddress Address { get; }

    /// <summary>The kernel's release, as uname -r gives it.</summary>
    public string Release => _values["OSRELEASE"];

    /// <summary>The kernel's build id in hexadecimal, where it says one (since v5.9).</summary>
    public string? BuildId => _values.GetValueOrDefault("BUILD-ID");

    /// <summary>The notes in memory, each once. A reboot can leave an old one behind, so there may be several.</summary>
    /// <remarks>
    /// The kernel keeps the note in a page of its own, so only the starts of pages are looked at; first those that are in the
    /// host's memory, and only if the caller goes on, those that the host has swapped out or, as far as it tells, the guest never touched.
    /// From the end of RAM down, for a kernel that boots gives its first pages away from there.
    /// </remarks>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="likely">Pages to look at before all others.</param>
    public static IEnumerable<VmCoreInfo> FindAll(GuestPhysicalMemory memory, params IEnumerable<GuestPhysicalAddress> likely)
    {
        var found = new HashSet<GuestPhysicalAddress>();
        foreach (GuestPhysicalAddress page in likely)
        {
            if (IsNote(memory, page) && TryParse(memory, page, out VmCoreInfo? note) && found.Add(page)) yield return note;
        }

        // The second time all pages once more: one that was swapped in meanwhile would be seen neither time.
        foreach (PageResidence least in (PageResidence[])[PageResidence.Resident, PageResidence.Elsewhere])
        {
            for (int i = memory.Segments.Length - 1; i >= 0; i--)
            {
                foreach (VmCoreInfo note in FindIn(memory, memory.Segments[i], least))
                {
                    if (found.Add(note.Address)) yield return note;
                }
            }
        }
    }

    /// <summary>An address that the note gives as SYMBOL(name).</summary>
    public bool TryGetSymbol(string name, out GuestVirtualAddress address)
    {
        address = default;
        if (!_values.TryGetValue($"SYMBOL({name})", out string? text)
            || !ulong.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong value)) return false;
        address = new GuestVirtualAddress(value);
        return true;
    }

    /// <summary>An address that the note must give.</summary>
    public GuestVirtualAddress Symbol(string name) => TryGetSymbol(name, out GuestVirtualAddress address)
        ? address
        : throw new KernelSymbolException(name, $"VMCOREINFO of kernel {Release} does not give it");

    /// <summary>A number that the note gives as NUMBER(name), in decimal and signed.</summary>
    public bool TryGetNumber(string name, out long number)
    {
        number = 0;
        return _values.TryGetValue($"NUMBER({name})", out string? text)
            && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
    }

    private static IEnumerable<VmCoreInfo> FindIn(GuestPhysicalMemory memory, GuestMemorySegment segment, PageResidence least)
    {
        long pages = segment.Length >> GuestPage.Shift;
        var places = new PageResidence[ResidentPages.Batch];
        long[] names = new long[ResidentPages.Batch];
        ulong[] words = new ulong[ResidentPages.Batch];
        for (long end = pages; end > 0; end -= ResidentPages.Batch)
        {
            int count = (int)Math.Min(ResidentPages.Batch, end);
            long batch = end - count;
            ResidentPages.Query(segment, batch << GuestPage.Shift, places.AsSpan(0, count));
            int found = 0;
            for (int i = count - 1; i >= 0; i--)
            {
                if (places[i] >= least) names[found++] = ((batch + i) << GuestPage.Shift) + NameOffset;
            }

            ReadWords(memory, segment, names.AsSpan(0, found), words);
            for (int i = 0; i < found; i++)
            {
                if (words[i] == VmCoreI && TryParse(memory, segment.Start + (ulong)(names[i] - NameOffset), out VmCoreInfo? note)) yield return note;
            }
        }
    }

    private static void ReadWords(GuestPhysicalMemory memory, in GuestMemorySegment segment, ReadOnlySpan<long> offsets, Span<ulong> words)
    {
        if (segment.Shadow is { } shadow)
        {
            shadow.Ram.ReadWords(offsets, words);
            return;
        }

        for (int i = 0; i < offsets.Length; i++) words[i] = memory.Read<ulong>(segment.Start + (ulong)offsets[i]);
    }

    /// <summary>The first eight bytes of the note's name, "VMCOREIN".</summary>
    private static readonly ulong VmCoreI = BinaryPrimitives.ReadUInt64LittleEndian("VMCOREIN"u8);

    private static bool IsNote(GuestPhysicalMemory memory, GuestPhysicalAddress page) => memory.TryRead(page + NameOffset, out ulong name) && name == VmCoreI;

    private static bool TryParse(GuestPhysicalMemory memory, GuestPhysicalAddress page, [NotNullWhen(true)] out VmCoreInfo? note)
    {
        note = null;
        ReadOnlySpan<byte> header = memory.Span(page, HeaderLength);
        uint nameLength = BinaryPrimitives.ReadUInt32LittleEndian(header);
        uint textLength = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (nameLength != 11 || textLength > MaxTextLength || !header[NameOffset..].SequenceEqual("VMCOREINFO\0\0"u8)) return false;
        if (!memory.TryGetSpan(page + HeaderLength, (int)textLength, out ReadOnlySpan<byte> bytes)) return false;

        var values = new Dictionary<string, string>();
        string text = Encoding.Latin1.GetString(bytes);
        foreach (string line in text.Split('\n'))
        {
            int equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0) values[line[..equals]] = line[(equals + 1)..].TrimEnd('\0');
        }

        if (!values.ContainsKey("OSRELEASE")) return false;
        note = new VmCoreInfo(page, values);
        return true;
    }
}
