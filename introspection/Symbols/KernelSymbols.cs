using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Watari.Introspection.Symbols;

/// <summary>The kernel's symbols, by name and by address, where KASLR has put them. Modules' symbols are not among them.</summary>
public sealed class KernelSymbols
{
    private readonly KallsymsIndex _index;
    private readonly OffsetForm _form;
    private readonly ulong _base;
    private readonly Lazy<int[]> _byAddress; // only searches by address need it

    /// <param name="index">Its tables.</param>
    /// <param name="places">Where they lie in this guest.</param>
    /// <param name="memory">The guest's RAM.</param>
    /// <param name="note">The kernel's note.</param>
    /// <exception cref="KernelSymbolException">The two disagree on where _stext is, so neither can be trusted.</exception>
    internal KernelSymbols(KallsymsIndex index, in KallsymsPlaces places, GuestPhysicalMemory memory, VmCoreInfo note)
    {
        _index = index;
        _byAddress = new Lazy<int[]>(SortByAddress);
        _base = places.RelativeBase is { } variable ? memory.Read<ulong>(variable) : note.Symbol("kallsyms_offsets").Value;
        OffsetForm[] possible = places.RelativeBase is null ? [OffsetForm.FromOwnPlace] : [OffsetForm.AbsolutePerCpu, OffsetForm.FromBase];
        GuestVirtualAddress stext = note.Symbol("_stext");
        int known = _index.FirstNamed("_stext"u8);
        foreach (OffsetForm form in possible)
        {
            _form = form;
            if (known >= 0 && AddressOf(known) == stext.Value) return;
        }

        throw new KernelSymbolException("_stext", $"kallsyms and VMCOREINFO ({stext}) disagree, so kallsyms cannot be trusted");
    }

    /// <summary>How an offset of kallsyms gives an address; which of them shows in a symbol whose address is known.</summary>
    private enum OffsetForm
    {
        /// <summary>Per-cpu symbols are plain numbers; others are negative and count down from the base (before v6.15).</summary>
        AbsolutePerCpu,

        /// <summary>All count up from the base.</summary>
        FromBase,

        /// <summary>All count from where they stand themselves (v7.2).</summary>
        FromOwnPlace,
    }

    public int Count => _index.Count;

    /// <summary>The address of the first symbol with this name.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out GuestVirtualAddress address)
    {
        int symbol = _index.FirstNamed(name);
        address = symbol < 0 ? default : new GuestVirtualAddress(AddressOf(symbol));
        return symbol >= 0;
    }

    /// <inheritdoc cref="TryFind(ReadOnlySpan{byte}, out GuestVirtualAddress)"/>
    public bool TryFind(string name, out GuestVirtualAddress address)
    {
        Span<byte> text = stackalloc byte[KallsymsTables.LongestName];
        if (!Encoding.UTF8.TryGetBytes(name, text, out int length))
        {
            address = default;
            return false;
        }

        return TryFind(text[..length], out address);
    }

    /// <summary>The address of a symbol that must be there.</summary>
    /// <exception cref="KernelSymbolException">It is not.</exception>
    public GuestVirtualAddress Find(string name) => TryFind(name, out GuestVirtualAddress address)
        ? address
        : throw new KernelSymbolException(name, "this kernel has none of that name");

    /// <summary>The name of the symbol at exactly this address, as for a table of functions.</summary>
    public bool TryGetName(GuestVirtualAddress address, [NotNullWhen(true)] out string? name)
    {
        int at = LastBelow(address) + 1; // the first of those at one address
        name = at < Count && AddressAt(at) == address.Value ? _index.NameOf(_byAddress.Value[at]) : null;
        return name is not null;
    }

    /// <summary>The symbol that an address lies in, and how far, as a kernel's back trace gives it.</summary>
    public bool TryGetNearest(GuestVirtualAddress address, [NotNullWhen(true)] out string? name, out ulong offset)
    {
        int at = address.Value == ulong.MaxValue ? Count - 1 : LastBelow(address + 1);
        name = at < 0 ? null : _index.NameOf(_byAddress.Value[at]);
        offset = at < 0 ? 0 : address.Value - AddressAt(at);
        return name is not null;
    }

    private ulong AddressOf(int symbol)
    {
        int offset = _index.Tables.Offsets[symbol];
        return unchecked(_form switch
        {
            OffsetForm.AbsolutePerCpu when offset >= 0 => (ulong)offset,
            OffsetForm.AbsolutePerCpu => _base - 1 - (ulong)(long)offset,
            OffsetForm.FromBase => _base + (uint)offset,
            _ => _base + (ulong)symbol * sizeof(int) + (ulong)(long)offset,
        });
    }

    /// <summary>The kernel sorts them already; a damaged table is sorted here, so that a search stays a search.</summary>
    private int[] SortByAddress()
    {
        int[] order = new int[Count];
        bool sorted = true;
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            sorted &= i == 0 || AddressOf(i - 1) <= AddressOf(i);
        }

        // Of those at one address the first stays the first.
        if (!sorted) Array.Sort(order, (left, right) => AddressOf(left).CompareTo(AddressOf(right)) is not 0 and int by ? by : left.CompareTo(right));
        return order;
    }

    private ulong AddressAt(int place) => AddressOf(_byAddress.Value[place]);

    private int LastBelow(GuestVirtualAddress address)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            if (AddressAt(middle) < address.Value) low = middle + 1;
            else high = middle - 1;
        }

        return high;
    }
}
