using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace Watari.Introspection.Symbols;

/// <summary>
/// The kernel's symbols, by name and by address. Names stay compressed as the kernel keeps them; a hash of each leads to it,
/// so that 150,000 symbols cost neither strings nor time. Modules' symbols are not among them.
/// </summary>
public sealed class KernelSymbols
{
    private readonly KallsymsTables _tables;
    private readonly int _collisionLimit;
    private readonly int[] _nameStart;
    private readonly uint[] _hashes;
    private readonly int[] _chainHead; // per bucket: symbol + 1, or 0
    private readonly int[] _chainNext; // per symbol: the next of its bucket + 1, or 0
    private readonly ulong[] _addresses;
    private readonly int[] _byAddress;

    private KernelSymbols(KallsymsTables tables, GuestVirtualAddress stext, IntrospectionLimits limits)
    {
        _tables = tables;
        _collisionLimit = limits.Collisions;
        _nameStart = new int[tables.Count];
        _hashes = new uint[tables.Count];
        _chainHead = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)tables.Count)];
        _chainNext = new int[tables.Count];
        IndexNames();

        bool absolutePerCpu = HasAbsolutePerCpu(stext);
        _addresses = new ulong[tables.Count];
        for (int i = 0; i < _addresses.Length; i++) _addresses[i] = AddressOf(i, absolutePerCpu);
        _byAddress = SortByAddress();
    }

    public int Count => _tables.Count;

    /// <summary>Reads the kernel's kallsyms.</summary>
    /// <exception cref="KernelSymbolException">The tables are not where VMCOREINFO says, or damaged.</exception>
    public static KernelSymbols Read(GuestPhysicalMemory memory, KernelImage image, VmCoreInfo info, IntrospectionLimits limits) =>
        new(KallsymsTables.Read(memory, image, info, limits), info.Symbol("_stext"), limits);

    /// <summary>The address of the first symbol with this name.</summary>
    public bool TryFind(ReadOnlySpan<byte> name, out GuestVirtualAddress address)
    {
        int symbol = FirstNamed(name);
        address = symbol < 0 ? default : new GuestVirtualAddress(_addresses[symbol]);
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
        name = at < Count && _addresses[_byAddress[at]] == address.Value ? NameOf(_byAddress[at]) : null;
        return name is not null;
    }

    /// <summary>The symbol that an address lies in, and how far, as a kernel's back trace gives it.</summary>
    public bool TryGetNearest(GuestVirtualAddress address, [NotNullWhen(true)] out string? name, out ulong offset)
    {
        int at = address.Value == ulong.MaxValue ? Count - 1 : LastBelow(address + 1);
        name = at < 0 ? null : NameOf(_byAddress[at]);
        offset = at < 0 ? 0 : address.Value - _addresses[_byAddress[at]];
        return name is not null;
    }

    /// <summary>
    /// Per-cpu symbols were absolute numbers and all else counted down from the base, until per-cpu symbols became ordinary
    /// addresses (v6.15); which of the two it is shows in a symbol whose address is known.
    /// </summary>
    private bool HasAbsolutePerCpu(GuestVirtualAddress stext)
    {
        int known = FirstNamed("_stext"u8);
        if (known >= 0 && AddressOf(known, absolutePerCpu: true) == stext.Value) return true;
        if (known >= 0 && AddressOf(known, absolutePerCpu: false) == stext.Value) return false;
        throw new KernelSymbolException("_stext", $"kallsyms and VMCOREINFO ({stext}) disagree, so kallsyms cannot be trusted");
    }

    private ulong AddressOf(int symbol, bool absolutePerCpu)
    {
        int offset = _tables.Offsets[symbol];
        if (!absolutePerCpu) return unchecked(_tables.RelativeBase + (uint)offset);
        return offset >= 0 ? (ulong)offset : unchecked(_tables.RelativeBase - 1 - (ulong)(long)offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // loops of 150,000 that run once: they would end before they were compiled for good
    private void IndexNames()
    {
        int position = 0;
        for (int symbol = 0; symbol < Count; symbol++)
        {
            _nameStart[symbol] = position;
            _hashes[symbol] = HashName(_tables.NameTokens(position, out position));
        }

        for (int symbol = 0; symbol < Count; symbol++) Chain(symbol);
    }

    /// <summary>
    /// Puts a symbol at the end of its chain, unless one of its name is there already: many have a name in common, and only the
    /// first is ever asked for. So chains stay short, but for those that a guest has made long.
    /// </summary>
    private void Chain(int symbol)
    {
        uint hash = _hashes[symbol];
        ref int link = ref _chainHead[hash & (uint)(_chainHead.Length - 1)];
        for (int length = 0; link != 0; length++)
        {
            if (length == _collisionLimit) throw new KernelSymbolException("kallsyms_names", $"more than {_collisionLimit} names have one place");
            if (_hashes[link - 1] == hash && SameName(link - 1, symbol)) return;
            link = ref _chainNext[link - 1];
        }

        link = symbol + 1;
    }

    private int FirstNamed(ReadOnlySpan<byte> name)
    {
        uint hash = NameHash.Of(name);
        int symbol = _chainHead[hash & (uint)(_chainHead.Length - 1)] - 1;
        while (symbol >= 0 && (_hashes[symbol] != hash || !NameEquals(symbol, name))) symbol = _chainNext[symbol] - 1;
        return symbol;
    }

    /// <summary>The hash of a name without its first character, which is the symbol's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private uint HashName(ReadOnlySpan<byte> tokens)
    {
        uint hash = NameHash.Start;
        bool type = true;
        int length = 0;
        foreach (byte token in tokens)
        {
            ReadOnlySpan<byte> text = _tables.Token(token);
            length += text.Length;
            if (length > KallsymsTables.LongestName) throw new KernelSymbolException("kallsyms_names", $"a name has more than {KallsymsTables.LongestName} characters");
            hash = NameHash.Add(hash, type && !text.IsEmpty ? text[1..] : text);
            type &= text.IsEmpty;
        }

        return hash;
    }

    private bool SameName(int left, int right)
    {
        Span<byte> name = stackalloc byte[KallsymsTables.LongestName];
        int length = 0;
        foreach (byte token in _tables.NameTokens(_nameStart[left], out _))
        {
            ReadOnlySpan<byte> text = _tables.Token(token);
            text.CopyTo(name[length..]);
            length += text.Length;
        }

        return NameEquals(right, length == 0 ? default : name[1..length]);
    }

    private bool NameEquals(int symbol, ReadOnlySpan<byte> name)
    {
        bool type = true;
        foreach (byte token in _tables.NameTokens(_nameStart[symbol], out _))
        {
            ReadOnlySpan<byte> text = _tables.Token(token);
            if (type && !text.IsEmpty)
            {
                text = text[1..];
                type = false;
            }

            if (!name.StartsWith(text)) return false;
            name = name[text.Length..];
        }

        return name.IsEmpty;
    }

    private string NameOf(int symbol)
    {
        var name = new StringBuilder();
        foreach (byte token in _tables.NameTokens(_nameStart[symbol], out _))
            name.Append(Encoding.UTF8.GetString(_tables.Token(token)));
        return name.Length == 0 ? "" : name.ToString(1, name.Length - 1);
    }

    /// <summary>The kernel sorts them already; a damaged table is sorted here, so that a search stays a search.</summary>
    private int[] SortByAddress()
    {
        int[] order = new int[Count];
        bool sorted = true;
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            sorted &= i == 0 || _addresses[i - 1] <= _addresses[i];
        }

        // Of those at one address the first stays the first.
        if (!sorted) Array.Sort(order, (left, right) => _addresses[left].CompareTo(_addresses[right]) is not 0 and int by ? by : left.CompareTo(right));
        return order;
    }

    private int LastBelow(GuestVirtualAddress address)
    {
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            int middle = (int)(((uint)low + (uint)high) >> 1);
            if (_addresses[_byAddress[middle]] < address.Value) low = middle + 1;
            else high = middle - 1;
        }

        return high;
    }
}
