namespace Watari.Introspection.Symbols;

/// <summary>
/// Where the tables of kallsyms lie in the kernel's image (scripts/kallsyms.c). Without a relative base, as in v7.2, each offset counts
/// from its own place.
/// </summary>
internal readonly record struct KallsymsPlaces(
    GuestPhysicalAddress SymbolCount,
    GuestPhysicalAddress Names,
    GuestPhysicalAddress TokenTable,
    GuestPhysicalAddress TokenIndex,
    GuestPhysicalAddress Offsets,
    GuestPhysicalAddress? RelativeBase)
{
    /// <summary>The same tables of an image that lies so many bytes further on.</summary>
    public static KallsymsPlaces operator +(KallsymsPlaces places, ulong distance) => new(
        places.SymbolCount + distance, places.Names + distance, places.TokenTable + distance, places.TokenIndex + distance, places.Offsets + distance, places.RelativeBase + distance);

    /// <summary>As VMCOREINFO gives them (5fd8fea935a1, v6.0); on an older kernel they are searched for.</summary>
    /// <exception cref="KernelSymbolException">They are nowhere.</exception>
    public static KallsymsPlaces Of(GuestPhysicalMemory memory, KernelImage image, VmCoreInfo info, IntrospectionLimits limits)
    {
        if (!info.TryGetSymbol("kallsyms_names", out _)) return KallsymsScan.Find(memory, image.Translate(info.Symbol("_stext")), limits);
        GuestPhysicalAddress At(string symbol) => image.Translate(info.Symbol(symbol));
        return new KallsymsPlaces(
            At("kallsyms_num_syms"), At("kallsyms_names"), At("kallsyms_token_table"), At("kallsyms_token_index"), At("kallsyms_offsets"),
            info.TryGetSymbol("kallsyms_relative_base", out GuestVirtualAddress relativeBase) ? image.Translate(relativeBase) : null);
    }
}
