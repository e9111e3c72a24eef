using Watari.Introspection.Walks;

namespace Watari.Introspection.Tests.Types;

/// <summary>A structure that no kernel has, with a property of every form.</summary>
[KernelStruct("widget", "old_widget")]
public readonly partial record struct Widget
{
    [Field] public partial int Pid { get; }

    [Field("__state", "state")] public partial uint State { get; }

    [Field("inner.depth.value")] public partial long Nested { get; }

    [Field] public partial WidgetKind Kind { get; }

    [Field] public partial bool IsReady { get; }

    [BitField] public partial bool Frozen { get; }

    [BitField] public partial int Signed { get; }

    [BitField] public partial ulong AnyWidth { get; }

    [Field(Optional = true)] public partial uint? Extra { get; }

    [Field] public partial Ptr<Widget> Next { get; }

    [Field] public partial GuestVirtualAddress Anything { get; }

    [Field] public partial KernelCharPointer Name { get; }

    [Field] public partial KernelText Comm { get; }

    [Field] public partial KernelArray<ulong> Numbers { get; }

    [Field] public partial KernelStructArray<Part> Parts { get; }

    [Embedded] public partial ListHead Siblings { get; }

    [Embedded("timers", Optional = true)] public partial ListHead? TimerList { get; }

    [Embedded("timers", Optional = true)] public partial HlistHead? TimerHlist { get; }

    [Field("wrapped")] public partial uint Wrapped { get; }
}

public enum WidgetKind
{
    None = 0,
    Round = 2,
}

[KernelStruct("part")]
public readonly partial record struct Part
{
    [Field] public partial ushort Size { get; }
}
