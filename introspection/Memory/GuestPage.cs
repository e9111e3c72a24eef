namespace Watari.Introspection.Memory;

/// <summary>The base page of x86-64: 4 KiB.</summary>
public static class GuestPage
{
    public const int Shift = 12;
    public const int Size = 1 << Shift;
    public const ulong OffsetMask = Size - 1;
}
