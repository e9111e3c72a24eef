using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Watari.Introspection.Generator;

/// <summary>From the declaration of a kernel structure to its model, or to what is wrong with it.</summary>
internal static class KernelStructReader
{
    private const string TypesNamespace = "Watari.Introspection.Types";
    private const string MemoryNamespace = "Watari.Introspection.Memory";

    public static (KernelStructModel? Model, EquatableList<Diagnostic> Diagnostics) Read(GeneratorAttributeSyntaxContext context)
    {
        var symbol = (INamedTypeSymbol)context.TargetSymbol;
        var problems = new List<Diagnostic>();
        bool partial = context.TargetNode is TypeDeclarationSyntax declaration && declaration.Modifiers.Any(SyntaxKind.PartialKeyword);
        if (!symbol.IsRecord || !symbol.IsReadOnly || !partial || symbol.ContainingType is not null)
        {
            problems.Add(Diagnostic.Create(Diagnostics.NotReadonlyPartialRecordStruct, symbol.Locations.FirstOrDefault(), symbol.Name));
            return (null, new(problems));
        }

        List<FieldModel> fields = symbol.GetMembers().OfType<IPropertySymbol>()
            .Select(property => ReadField(property, problems))
            .Where(field => field is not null)
            .ToList()!;
        if (problems.Count > 0) return (null, new(problems));

        var model = new KernelStructModel(
            symbol.ContainingNamespace.IsGlobalNamespace ? "" : symbol.ContainingNamespace.ToDisplayString(),
            symbol.Name,
            SyntaxFacts.GetText(symbol.DeclaredAccessibility),
            new(KernelNamesOf(context.Attributes[0], symbol.Name)),
            new(fields));
        return (model, new(problems));
    }

    private static FieldModel? ReadField(IPropertySymbol property, List<Diagnostic> problems)
    {
        AttributeData? attribute = property.GetAttributes().FirstOrDefault(IsFieldAttribute);
        if (attribute is null) return null;
        Location? location = property.Locations.FirstOrDefault();
        if (!property.IsPartialDefinition || property.SetMethod is not null)
        {
            problems.Add(Diagnostic.Create(Diagnostics.NotPartialGetter, location, property.Name));
            return null;
        }

        bool optional = attribute.NamedArguments.Any(argument => argument.Key == "Optional" && argument.Value.Value is true);
        ITypeSymbol type = property.Type;
        bool nullable = type.OriginalDefinition.SpecialType == SpecialType.System_Nullable_T;
        if (nullable) type = ((INamedTypeSymbol)type).TypeArguments[0];
        if (nullable != optional)
        {
            problems.Add(Diagnostic.Create(Diagnostics.OptionalIsNullable, location, property.Name));
            return null;
        }

        if (FormOf(type, attribute.AttributeClass!.Name) is not { } form)
        {
            problems.Add(Diagnostic.Create(Diagnostics.UnreadableType, location, property.Name, type.ToDisplayString(), attribute.AttributeClass.Name));
            return null;
        }

        return new FieldModel(
            property.Name,
            type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat),
            SyntaxFacts.GetText(property.DeclaredAccessibility),
            nullable,
            optional,
            new(KernelNamesOf(attribute, property.Name)),
            form.Form,
            form.Descriptor);
    }

    /// <summary>How a property of this type is read, and the rest of its descriptor's arguments.</summary>
    private static (FieldForm Form, string Descriptor)? FormOf(ITypeSymbol type, string attribute)
    {
        if (attribute == "EmbeddedAttribute")
            return StructNames(type) is { } names ? (FieldForm.Embedded, $"Embedded, StructNames: {names}") : null;

        ITypeSymbol scalar = type is INamedTypeSymbol { EnumUnderlyingType: { } underlying } ? underlying : type;
        if (SizeAndSign(scalar) is var (size, sign))
        {
            if (attribute == "BitFieldAttribute") return (scalar.SpecialType == SpecialType.System_Boolean ? FieldForm.BitsBool : FieldForm.Bits, "Bits");
            string signed = type.TypeKind == TypeKind.Enum || sign is null ? "null" : sign.Value ? "true" : "false";
            return (FieldForm.Scalar, $"Scalar, Size: {size}, Signed: {signed}");
        }

        if (attribute != "FieldAttribute" || type is not INamedTypeSymbol named) return null;
        string space = named.ContainingNamespace.ToDisplayString();
        switch (named.Name)
        {
            case "GuestVirtualAddress" when space == MemoryNamespace:
                return (FieldForm.Address, "Pointer");
            case "Ptr" when space == TypesNamespace:
                return (FieldForm.Pointer, "Pointer");
            case "KernelCharPointer" when space == TypesNamespace:
                return (FieldForm.CharPointer, "Pointer");
            case "KernelText" when space == TypesNamespace:
                return (FieldForm.Text, "Array, Size: 1");
            case "KernelArray" when space == TypesNamespace && SizeAndSign(named.TypeArguments[0]) is var (elementSize, _):
                return (FieldForm.Array, $"Array, Size: {elementSize}");
            case "KernelStructArray" when space == TypesNamespace && StructNames(named.TypeArguments[0]) is { } names:
                return (FieldForm.StructArray, $"StructArray, StructNames: {names}");
            default:
                return null;
        }
    }

    private static string? StructNames(ITypeSymbol type)
    {
        AttributeData? attribute = type.GetAttributes().FirstOrDefault(candidate =>
            candidate.AttributeClass?.Name == "KernelStructAttribute" && candidate.AttributeClass.ContainingNamespace.ToDisplayString() == TypesNamespace);
        return attribute is null ? null : $"[{string.Join(", ", KernelNamesOf(attribute, type.Name).Select(Quote))}]";
    }

    private static (int Size, bool? Signed)? SizeAndSign(ITypeSymbol type) => type.SpecialType switch
    {
        SpecialType.System_Boolean => (1, null),
        SpecialType.System_Byte => (1, false),
        SpecialType.System_SByte => (1, true),
        SpecialType.System_UInt16 => (2, false),
        SpecialType.System_Int16 => (2, true),
        SpecialType.System_UInt32 => (4, false),
        SpecialType.System_Int32 => (4, true),
        SpecialType.System_UInt64 => (8, false),
        SpecialType.System_Int64 => (8, true),
        _ => null,
    };

    private static bool IsFieldAttribute(AttributeData attribute) =>
        attribute.AttributeClass is { Name: "FieldAttribute" or "BitFieldAttribute" or "EmbeddedAttribute" } type
        && type.ContainingNamespace.ToDisplayString() == TypesNamespace;

    private static List<string> KernelNamesOf(AttributeData attribute, string name)
    {
        List<string> given = attribute.ConstructorArguments.SelectMany(argument => argument.Values).Select(value => value.Value).OfType<string>().ToList();
        return given.Count > 0 ? given : [Names.ToSnakeCase(name)];
    }

    public static string Quote(string text) => SymbolDisplay.FormatLiteral(text, quote: true);
}
