namespace Watari.Introspection.Memory;

/// <summary>A half-open range of virtual addresses: from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
public readonly record struct GuestVirtualRange(GuestVirtualAddress Start, GuestVirtualAddress End)
{
    public bool IsEmpty => End <= Start;

    /// <summary>Length in bytes; 0 for an empty range.</summary>
    public ulong Length => IsEmpty ? 0 : End - Start;

    public PageCount Pages => PageCount.Covering(Length);

    public bool Contains(GuestVirtualAddress address) => Start <= address && address < End;

    public override string ToString() => $"{Start.Value:x}-{End.Value:x}";
}
