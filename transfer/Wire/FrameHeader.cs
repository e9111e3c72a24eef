using System.Runtime.InteropServices;

namespace Watari.Transfer.Wire;

internal enum FrameKind : uint
{
    /// <summary>Small = bytes of the name, Large = bytes of the content. Name and content follow.</summary>
    Blob = 1,

    /// <summary>Small = runs, Large = normal pages. The <see cref="WireRun"/>s follow, then the normal pages' bytes in the order of the runs.</summary>
    Batch = 2,

    /// <summary>Small = bytes of the <see cref="StreamTotals"/> that follow.</summary>
    End = 3,
}

/// <summary>What stands before each frame.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal readonly record struct FrameHeader(FrameKind Kind, uint Small, long Large)
{
    public const int Size = 16;
}
