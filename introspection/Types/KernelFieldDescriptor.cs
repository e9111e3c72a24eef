namespace Watari.Introspection.Types;

/// <summary>What a property reads, and so what a member must be.</summary>
public enum KernelFieldShape
{
    /// <summary>An integer, bool or enum of exactly the property's size.</summary>
    Scalar,

    /// <summary>An integer of any width up to 64 bits.</summary>
    Bits,

    /// <summary>A pointer, or an unsigned long that holds one.</summary>
    Pointer,

    /// <summary>A structure in place.</summary>
    Embedded,

    /// <summary>An array in place, of elements of the property's element size.</summary>
    Array,

    /// <summary>An array of structures in place.</summary>
    StructArray,
}

/// <summary>One property of a typed kernel structure: where to look for its member and what the member must be.</summary>
/// <param name="Names">Paths to try, in order.</param>
/// <param name="Shape">The member's form.</param>
/// <param name="Size">Bytes of a scalar or of an array's element; 0 where the shape says enough.</param>
/// <param name="Signed">The sign that a scalar must have; null where it does not matter.</param>
/// <param name="StructNames">The structure that an embedded member or an array's element must be; null for any.</param>
/// <param name="Optional">A kernel may lack it.</param>
public sealed record KernelFieldDescriptor(
    string[] Names,
    KernelFieldShape Shape,
    int Size = 0,
    bool? Signed = null,
    string[]? StructNames = null,
    bool Optional = false);
