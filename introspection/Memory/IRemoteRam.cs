namespace Watari.Introspection.Memory;

/// <summary>RAM that this process cannot map, only copy: it is the hypervisor's own.</summary>
public interface IRemoteRam : ICopiedRam
{
    /// <exception cref="GuestRamLostException">It cannot be reached any more; what was written is not known.</exception>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>The eight bytes at each offset: for a look at many places, in few calls.</summary>
    /// <exception cref="GuestRamLostException">It cannot be reached any more.</exception>
    void ReadWords(ReadOnlySpan<long> offsets, Span<ulong> words);

    /// <summary>Where the pages are, from the one at <paramref name="offset"/> on. Gives memory to none.</summary>
    /// <exception cref="GuestRamLostException">It cannot be reached any more.</exception>
    void QueryPages(long offset, Span<PageResidence> pages);
}

/// <summary>Where a page of guest RAM is in the host.</summary>
public enum PageResidence : byte
{
    /// <summary>The guest never touched it: it reads as zero.</summary>
    Nowhere,

    /// <summary>In swap, in a file, or nowhere: it has memory once it is read.</summary>
    Elsewhere,

    /// <summary>In memory.</summary>
    Resident,
}

/// <summary>The guest's RAM was its hypervisor's own and is gone with it, or is not to be reached for another reason.</summary>
public sealed class GuestRamLostException(string message, Exception innerException) : IntrospectionException(message, innerException);
