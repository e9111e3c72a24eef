using Microsoft.CodeAnalysis;

namespace Watari.Introspection.Generator;

internal static class Diagnostics
{
    public static readonly DiagnosticDescriptor NotReadonlyPartialRecordStruct = new(
        "WTR001",
        "A kernel structure is a readonly partial record struct",
        "'{0}' must be declared as a readonly partial record struct at namespace level",
        "Watari.Introspection",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public static readonly DiagnosticDescriptor UnreadableType = new(
        "WTR002",
        "The property's type cannot be read from a kernel",
        "'{0}' has the type {1}, which {2} cannot read",
        "Watari.Introspection",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public static readonly DiagnosticDescriptor OptionalIsNullable = new(
        "WTR003",
        "Optional and nullable go together",
        "'{0}' must be nullable if, and only if, it is optional",
        "Watari.Introspection",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);

    public static readonly DiagnosticDescriptor NotPartialGetter = new(
        "WTR004",
        "A field is a partial property with a getter alone",
        "'{0}' must be declared as a partial property with a getter and no setter",
        "Watari.Introspection",
        DiagnosticSeverity.Error,
        isEnabledByDefault: true);
}
