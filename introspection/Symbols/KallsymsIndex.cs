using System.Runtime.CompilerServices;
using System.Text;

namespace Watari.Introspection.Symbols;

/// <summary>
/// Finds symbols of kallsyms by name and by offset. Names stay compressed as the kernel keeps them; a hash of each leads to it, so
/// that 150,000 symbols cost neither strings nor time. The same for every guest that runs this build of the kernel, wherever KASLR
/// has put it.
/// </summary>
internal sealed class KallsymsIndex
{
    private readonly int _collisionLimit;
    private readonly int[] _nameStart;
    private readonly uint[] _hashes;
    private readonly int[] _chainHead; // per bucket: symbol + 1, or 0
    private readonly int[] _chainNext; // per symbol: the next of its bucket + 1, or 0
    private int _sameHash; // names that have the whole hash of another

    /// <exception cref="KernelSymbolException">The tables are damaged.</exception>
    public KallsymsIndex(KallsymsTables tables, IntrospectionLimits limits)
    {
        _collisionLimit = limits.Collisions;
        Tables = tables;
        _nameStart = new int[tables.Count];
        _hashes = new uint[tables.Count];
        _chainHead = new int[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)tables.Count)];
        _chainNext = new int[tables.Count];
        IndexNames();
    }

    public KallsymsTables Tables { get; }

    public int Count => Tables.Count;

    /// <summary>What it takes up with its tables.</summary>
    public long Bytes => Tables.Names.Length + sizeof(int) * ((long)_chainHead.Length + 4L * Count);

    /// <summary>The number of the first symbol with this name, or -1.</summary>
    public int FirstNamed(ReadOnlySpan<byte> name)
    {
        uint hash = NameHash.Of(name);
        int symbol = _chainHead[hash & (uint)(_chainHead.Length - 1)] - 1;
        while (symbol >= 0 && (_hashes[symbol] != hash || !NameEquals(symbol, name))) symbol = _chainNext[symbol] - 1;
        return symbol;
    }

    public string NameOf(int symbol)
    {
        var name = new StringBuilder();
        foreach (byte token in Tables.NameTokens(_nameStart[symbol], out _))
            name.Append(Encoding.UTF8.GetString(Tables.Token(token)));
        return name.Length == 0 ? "" : name.ToString(1, name.Length - 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // loops of 150,000 that run once: they would end before they were compiled for good
    private void IndexNames()
    {
        int position = 0;
        for (int symbol = 0; symbol < Count; symbol++)
        {
            _nameStart[symbol] = position;
            _hashes[symbol] = HashName(Tables.NameTokens(position, out position));
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
            if (_hashes[link - 1] == hash)
            {
                if (SameName(link - 1, symbol)) return;
                // Of 150,000 names about three have it by chance; to compare them is what takes time.
                if (++_sameHash > _collisionLimit) throw new KernelSymbolException("kallsyms_names", $"more than {_collisionLimit} names have the hash of another");
            }

            link = ref _chainNext[link - 1];
        }

        link = symbol + 1;
    }

    private bool SameName(int left, int right)
    {
        Span<byte> name = stackalloc byte[KallsymsTables.LongestName];
        int length = 0;
        foreach (byte token in Tables.NameTokens(_nameStart[left], out _))
        {
            ReadOnlySpan<byte> text = Tables.Token(token);
            text.CopyTo(name[length..]);
            length += text.Length;
        }

        return NameEquals(right, length == 0 ? default : name[1..length]);
    }

    /// <summary>The hash of a name without its first character, which is the symbol's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private uint HashName(ReadOnlySpan<byte> tokens)
    {
        uint hash = NameHash.Start;
        int length = 0;
        foreach (byte token in tokens)
        {
            ReadOnlySpan<byte> text = Tables.Token(token);
            hash = NameHash.Add(hash, length == 0 && !text.IsEmpty ? text[1..] : text);
            length += text.Length;
            if (length > KallsymsTables.LongestName) throw new KernelSymbolException("kallsyms_names", $"a name has more than {KallsymsTables.LongestName} characters");
        }

        return hash;
    }

    private bool NameEquals(int symbol, ReadOnlySpan<byte> name)
    {
        bool type = true;
        foreach (byte token in Tables.NameTokens(_nameStart[symbol], out _))
        {
            ReadOnlySpan<byte> text = Tables.Token(token);
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
}
