using Watari.Introspection.Symbols;

namespace Watari.Introspection.Kernel;

/// <summary>What is the same in every guest that runs one build of the kernel: its symbols but for where KASLR put them, its types.</summary>
internal sealed class KernelBuild
{
    private readonly GuestPhysicalAddress _stext;
    private readonly KallsymsPlaces _places;

    private KernelBuild(string id, GuestPhysicalAddress stext, KallsymsPlaces places, KallsymsIndex symbols, BtfTypes types)
    {
        Id = id;
        _stext = stext;
        _places = places;
        Symbols = symbols;
        Types = types;
        Layout = new KernelLayout(types);
    }

    /// <summary>The build id of its note, or its release where the note gives none.</summary>
    public string Id { get; }

    public KallsymsIndex Symbols { get; }

    public BtfTypes Types { get; }

    public KernelLayout Layout { get; }

    /// <summary>What it takes up in memory.</summary>
    public long Bytes => Symbols.Bytes + Types.Bytes;

    /// <summary>Reads and copies symbols and types out of a guest's memory.</summary>
    /// <exception cref="IntrospectionException">They are not there, or damaged.</exception>
    public static KernelBuild Read(GuestPhysicalMemory memory, KernelImage image, VmCoreInfo note, IntrospectionLimits limits)
    {
        var places = KallsymsPlaces.Of(memory, image, note, limits);
        var index = new KallsymsIndex(KallsymsTables.Read(memory, places, limits), limits);
        var symbols = new KernelSymbols(index, places, memory, note);
        var types = BtfTypes.Parse(new BulkReader(memory).Copy(TypesOf(image, symbols, limits, out int length), length), limits);
        return new KernelBuild(IdOf(note), image.Translate(note.Symbol("_stext")), places, index, types);
    }

    public static string IdOf(VmCoreInfo note) => note.BuildId ?? note.Release;

    /// <summary>This build's symbols in a guest, if the guest has the same symbols and types, byte by byte: what a guest says of itself proves nothing.</summary>
    /// <returns>Null where it has others.</returns>
    public KernelSymbols? SymbolsIn(GuestPhysicalMemory memory, KernelImage image, VmCoreInfo note, IntrospectionLimits limits)
    {
        try
        {
            KallsymsPlaces places = _places + (image.Translate(note.Symbol("_stext")) - _stext);
            if (!Symbols.Tables.Equal(memory, places)) return null;
            var symbols = new KernelSymbols(Symbols, places, memory, note);
            GuestPhysicalAddress types = TypesOf(image, symbols, limits, out int length);
            return length == Types.Blob.Length && new BulkReader(memory).Equal(types, Types.Blob) ? symbols : null;
        }
        // The places are those of the guest that the build was read from, which may have lied: that must not be the end of it for this one.
        catch (IntrospectionException other) when (other is not GuestRamLostException)
        {
            return null;
        }
    }

    private static GuestPhysicalAddress TypesOf(KernelImage image, KernelSymbols symbols, IntrospectionLimits limits, out int length)
    {
        if (!symbols.TryFind("__start_BTF"u8, out GuestVirtualAddress start) || !symbols.TryFind("__stop_BTF"u8, out GuestVirtualAddress stop))
            throw new KernelNotFoundException("The kernel has no type information: it must be built with CONFIG_DEBUG_INFO_BTF and CONFIG_KALLSYMS_ALL, as distributions' kernels are.");
        ulong bytes = stop - start;
        if (bytes > (ulong)limits.TypeBytes) throw new KernelTypeException($"The kernel's BTF is {bytes} bytes long, and the limit is {limits.TypeBytes}.");
        length = (int)bytes;
        return image.Translate(start);
    }
}
