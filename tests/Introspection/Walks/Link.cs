using Watari.Introspection.Walks;

namespace Watari.Introspection.Tests.Walks;

/// <summary>A structure that can be on every kind of list and tree.</summary>
[KernelStruct("link")]
public readonly partial record struct Link
{
    [Field] public partial long Value { get; }

    [Embedded] public partial ListHead Node { get; }

    [Embedded] public partial HlistNode Hash { get; }

    [Embedded] public partial RbNode Branch { get; }
}

[KernelStruct("links")]
public readonly partial record struct Links
{
    [Embedded] public partial ListHead List { get; }

    [Embedded] public partial HlistHead Hlist { get; }

    [Embedded] public partial RbRoot Tree { get; }
}
