using System.Text;

namespace Watari.Introspection.Generator;

/// <summary>A typed kernel structure as it is written in source: all that its generated half depends on, and comparable, so that an unrelated edit generates nothing anew.</summary>
internal sealed record KernelStructModel(
    string Namespace,
    string Name,
    string Accessibility,
    EquatableList<string> KernelNames,
    EquatableList<FieldModel> Fields)
{
    public string FullName => Namespace.Length > 0 ? $"{Namespace}.{Name}" : Name;
}

/// <summary>One property of it.</summary>
internal sealed record FieldModel(
    string Name,
    string Type,
    string Accessibility,
    bool Nullable,
    bool Optional,
    EquatableList<string> KernelNames,
    FieldForm Form,
    string Descriptor);

internal enum FieldForm
{
    Scalar,
    Bits,
    BitsBool,
    Address,
    Pointer,
    CharPointer,
    Embedded,
    Text,
    Array,
    StructArray,
}

/// <summary>A list that is equal to another with equal elements.</summary>
internal sealed class EquatableList<T>(IEnumerable<T> items) : IEquatable<EquatableList<T>>
{
    public T[] Items { get; } = items.ToArray();

    public bool Equals(EquatableList<T>? other) => other is not null && Items.SequenceEqual(other.Items);

    public override bool Equals(object? obj) => Equals(obj as EquatableList<T>);

    public override int GetHashCode() => Items.Aggregate(17, (hash, item) => unchecked(hash * 31 + (item?.GetHashCode() ?? 0)));
}

internal static class Names
{
    /// <summary>RealParent: real_parent.</summary>
    public static string ToSnakeCase(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsUpper(c) && text.Length > 0) text.Append('_');
            text.Append(char.ToLowerInvariant(c));
        }

        return text.ToString();
    }
}
