namespace Watari.Introspection.Types;

/// <summary>
/// Makes a readonly partial record struct a typed view of a kernel structure. The names are tried in their order; of a name
/// the structure is taken before a typedef.
/// </summary>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class KernelStructAttribute(params string[] names) : Attribute
{
    public IReadOnlyList<string> Names { get; } = names;
}

/// <summary>
/// A member. Without a name it is the property's own in snake_case; with several, the first that the kernel has. A name may be
/// a path into embedded structures ("thread.fsbase"). The property's type says what is read: an integer, bool or enum of the
/// member's exact size and sign; <see cref="GuestVirtualAddress"/> or <see cref="Ptr{T}"/> for a pointer;
/// <see cref="KernelCharPointer"/> for a pointer to text; <see cref="KernelText"/> for text in an array;
/// <see cref="KernelArray{T}"/> and <see cref="KernelStructArray{T}"/> for arrays. A nullable type goes with
/// <see cref="Optional"/>: null where the kernel lacks the member.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public class FieldAttribute(params string[] names) : Attribute
{
    public IReadOnlyList<string> Names { get; } = names;

    /// <summary>The kernel may lack the member; the property is nullable and then null.</summary>
    public bool Optional { get; set; }
}

/// <summary>An integer member of any width up to 64 bits, a bitfield or not, where kernels differ in it or C gives it less than a byte.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class BitFieldAttribute(params string[] names) : FieldAttribute(names);

/// <summary>A structure inside the structure. Its type is checked, so that a member that changed its type counts as another.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class EmbeddedAttribute(params string[] names) : FieldAttribute(names);
