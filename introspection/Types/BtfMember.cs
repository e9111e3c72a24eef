namespace Watari.Introspection.Types;

/// <summary>A member of a structure, nested as deep as its path went.</summary>
/// <param name="Type">The member's type as declared, qualifiers and typedefs included.</param>
/// <param name="BitOffset">From the start of the outermost structure, in bits.</param>
/// <param name="BitSize">Its width if it is a bitfield, else 0.</param>
public readonly record struct BtfMember(BtfTypeId Type, int BitOffset, int BitSize)
{
    public int ByteOffset => BitOffset >> 3;

    public bool IsBitField => BitSize != 0;
}
