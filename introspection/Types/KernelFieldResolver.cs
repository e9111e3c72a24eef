namespace Watari.Introspection.Types;

/// <summary>Finds one member of a typed structure in a kernel's types and checks that it is what the property takes it for.</summary>
internal static class KernelFieldResolver
{
    private const int MostDimensions = 4;

    /// <param name="types">The kernel's types.</param>
    /// <param name="descriptor">The structure.</param>
    /// <param name="field">The field's number, or -1 for the structure's size.</param>
    /// <returns>Absent where the kernel has no such structure or member, or only one of another structure type, or a structure for a pointer or an array.</returns>
    /// <exception cref="KernelTypeException">The member is there but not of the property's form.</exception>
    public static KernelSlot Resolve(BtfTypes types, KernelStructDescriptor descriptor, int field)
    {
        if (!TryFindStructure(types, descriptor, out string structName, out BtfTypeId structure)) return KernelSlot.Absent;
        if (field < 0) return KernelSlot.At(types.SizeOf(structure));

        KernelFieldDescriptor wanted = descriptor.Fields[field];
        foreach (string path in wanted.Names)
        {
            if (!types.TryGetMember(structure, path, out BtfMember member)) continue;
            if (wanted.Shape is KernelFieldShape.Embedded && !IsStruct(types, member.Type, wanted.StructNames!)) continue;
            if (wanted.Shape is KernelFieldShape.Pointer or KernelFieldShape.Array or KernelFieldShape.StructArray && IsStruct(types, member.Type)) continue;
            return Check(types, member, wanted, $"{structName}.{path}");
        }

        return KernelSlot.Absent;
    }

    private static bool TryFindStructure(BtfTypes types, KernelStructDescriptor descriptor, out string name, out BtfTypeId structure)
    {
        foreach (string candidate in descriptor.Names)
        {
            if (!types.TryFind(candidate, out structure)) continue;
            structure = types.Strip(structure);
            name = candidate;
            return true;
        }

        name = "";
        structure = default;
        return false;
    }

    private static KernelSlot Check(BtfTypes types, BtfMember member, KernelFieldDescriptor wanted, string path)
    {
        BtfTypeId type = types.Strip(member.Type);
        BtfKind kind = types.KindOf(type);
        int size = types.SizeOf(type);
        if (wanted.Shape == KernelFieldShape.Bits) return Bits(types, member, type, size, path);
        if (member.IsBitField) throw new KernelTypeException($"{path} is a bitfield of {member.BitSize} bits and must be read as one.");

        switch (wanted.Shape)
        {
            case KernelFieldShape.Scalar:
                // A structure of the same size is one that wraps an integer, as kuid_t, atomic_t and sigset_t do.
                if (kind is not (BtfKind.Int or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Pointer or BtfKind.Struct or BtfKind.Union))
                    throw new KernelTypeException($"{path} is a {kind}, not an integer.");
                if (size != wanted.Size)
                    throw new KernelTypeException($"{path} has {size} bytes, not the {wanted.Size} that it is read as.");
                // The sign of a char is the compiler's choice (3bc753c06dd0, v6.2), that of an enum follows from its values.
                if (wanted.Signed is { } signed && kind == BtfKind.Int && size > 1 && types.IsSigned(type) != signed)
                    throw new KernelTypeException($"{path} is {(signed ? "unsigned" : "signed")}, not {(signed ? "signed" : "unsigned")} as it is read.");
                return KernelSlot.At(member.ByteOffset);

            case KernelFieldShape.Pointer:
                if (size != 8 || kind is not (BtfKind.Pointer or BtfKind.Int))
                    throw new KernelTypeException($"{path} is a {kind} of {size} bytes, not a pointer.");
                return KernelSlot.At(member.ByteOffset);

            case KernelFieldShape.Array or KernelFieldShape.StructArray:
                if (!types.TryGetArray(type, out BtfTypeId element, out int length))
                    throw new KernelTypeException($"{path} is a {kind}, not an array.");
                // Rows of integers follow one another: an array of arrays is read as one.
                for (int depth = 0; wanted.Shape == KernelFieldShape.Array && depth < MostDimensions && types.TryGetArray(types.Strip(element), out BtfTypeId inner, out int row); depth++)
                {
                    if (row < 0 || (long)length * row > int.MaxValue) throw new KernelTypeException($"{path} is an absurdly long array.");
                    (element, length) = (inner, length * row);
                }

                if (wanted.Shape == KernelFieldShape.Array && types.SizeOf(element) != wanted.Size)
                    throw new KernelTypeException($"{path} has elements of {types.SizeOf(element)} bytes, not {wanted.Size}.");
                if (wanted.Shape == KernelFieldShape.StructArray && !IsStruct(types, element, wanted.StructNames!))
                    throw new KernelTypeException($"{path} is not an array of {string.Join(" or ", wanted.StructNames!)}.");
                return KernelSlot.At(member.ByteOffset, length);

            default:
                return KernelSlot.At(member.ByteOffset);
        }
    }

    private static KernelSlot Bits(BtfTypes types, BtfMember member, BtfTypeId type, int size, string path)
    {
        int width = member.IsBitField ? member.BitSize : size * 8;
        // Read from its own first byte on: what is left of seven bits before it and up to 64 of its own must fit in 64.
        int shift = member.BitOffset & 7;
        if (width is < 1 or > 64 || shift + width > 64 || types.KindOf(type) is not (BtfKind.Int or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Pointer))
            throw new KernelTypeException($"{path} has {width} bits from bit {shift} on, which is no integer of at most 64 bits.");
        return KernelSlot.Bits(member.ByteOffset, shift, width, types.IsSigned(type));
    }

    private static bool IsStruct(BtfTypes types, BtfTypeId type) => types.KindOf(types.Strip(type)) is BtfKind.Struct or BtfKind.Union;

    private static bool IsStruct(BtfTypes types, BtfTypeId type, string[] names)
    {
        // A typedef's own name counts too: atomic_t, for one, is a typedef of an anonymous structure.
        if (types.KindOf(type) == BtfKind.Typedef && names.Contains(types.NameOf(type))) return true;
        return names.Contains(types.NameOf(types.Strip(type)));
    }
}
