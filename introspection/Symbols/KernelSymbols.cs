using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Watari.Introspection.Symbols;

/// <summary>The kernel's symbols, by name and by address, where KASLR has put them. Modules' symbols are not among them.</summary>
public sealed class KernelSymbols
{
    private readonly KallsymsIndex _index;
    private readonly ulong _relativeBase;
    private readonly bool _absolutePerCpu;
    private readonly Lazy<int[]> _byAddress; // only searches by address need it

    /// <param name="index">Its tables.</param>
    /// <param name="relativeBase">What their offsets count from.</param>
    /// <param name="stext">Where _stext is, by VMCOREINFO.</param>
    /// <exception cref="KernelSymbolException">The two disagree.</exception>
    internal KernelSymbols(KallsymsIndex index, ulong relativeBase, GuestVirtualAddress stext)
    {
        _index = index;
        _relativeBase = relativeBase;
        _absolutePerCpu = HasAbsolutePerCpu(stext);
        _byAddress = new Lazy<int[]>(SortByAddress);
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
        Span<byte> text = stackalloc byte[KallsymsIndex.LongestName];
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
        int at = LastAtOrBelow(address);
        name = null;
        if (at < 0 || AddressAt(at) != address.Value) return false;
        while (at > 0 && AddressAt(at - 1) == address.Value) at--;
        name = _index.NameOf(_byAddress.Value[at]);
        return true;
    }

    /// <summary>The symbol that an address lies in, and how far, as a kernel's back trace gives it.</summary>
    public bool TryGetNearest(GuestVirtualAddress address, [NotNullWhen(true)] out string? name, out ulong offset)
    {
        int at = LastAtOrBelow(address);
        name = at < 0 ? null : _index.NameOf(_byAddress.Value[at]);
        offset = at < 0 ? 0 : address.Value - AddressAt(at);
        return name is not null;
    }

    /// <summary>
    /// Per-cpu symbols were absolute numbers and all else counted down from the base, until per-cpu symbols became ordinary
    /// addresses (v6.15); which of the two it is shows in a symbol whose address is known.
    /// </summary>
    private bool HasAbsolutePerCpu(GuestVirtualAddress stext)
    {
        int known = _index.FirstNamed("_stext"u8);
        if (known >= 0 && AddressOf(known, absolutePerCpu: true) == stext.Value) return true;
        if (known >= 0 && AddressOf(known, absolutePerCpu: false) == stext.Value) return false;
        throw new KernelSymbolException("_stext", $"kallsyms and VMCOREINFO ({stext}) disagree, so kallsyms cannot be trusted");
    }

    private ulong AddressOf(int symbol) => AddressOf(symbol, _absolutePerCpu);

    private ulong AddressOf(int symbol, bool absolutePerCpu)
    {
        int offset = _index.Tables.Offsets[symbol];
        if (!absolutePerCpu) return unchecked(_relativeBase + (uint)offset);
        return offset >= 0 ? (ulong)offset : unchecked(_relativeBase - 1 - (ulong)(long)offset);
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

        if (!sorted) Array.Sort(Array.ConvertAll(order, AddressOf), order);
        return order;
    }

    private ulong AddressAt(int place) => AddressOf(_byAddress.Value[place]);

    private int LastAtOrBelow(GuestVirtualAddress address)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            if (AddressAt(middle) <= address.Value) low = middle + 1;
            else high = middle - 1;
        }

        return high;
    }
}
