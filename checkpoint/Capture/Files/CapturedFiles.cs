using System.Collections.Immutable;
using Watari.Checkpoint.Model;
using Watari.Checkpoint.Verdicts;

namespace Watari.Checkpoint.Capture.Files;

/// <summary>What stands behind a file mapping.</summary>
/// <param name="File">The file of a file mapping; a <see cref="MemfdFile"/> where <paramref name="IsMemfd"/>.</param>
/// <param name="SharedMemory">The segment of a shared anonymous mapping.</param>
public readonly record struct MappedFile(FileId? File, SharedMemoryId? SharedMemory, bool IsMemfd);

/// <summary>
/// The files of a container as the model has them. Where a verdict refuses an object, its file is missing though ids of it
/// were handed out: only without a refusal this is a container's.
/// </summary>
public sealed record CapturedFiles
{
    public required ImmutableArray<Model.OpenFile> Files { get; init; }
    public required ImmutableArray<DescriptorTable> DescriptorTables { get; init; }
    public required ImmutableArray<Pipe> Pipes { get; init; }
    public required ImmutableArray<Pipe> Fifos { get; init; }
    public required ImmutableArray<SharedMemory> SharedMemory { get; init; }
    public required ImmutableArray<MemfdInode> MemfdInodes { get; init; }
    public required ImmutableArray<GhostFile> GhostFiles { get; init; }

    /// <summary>What is refused or carried with help; what is simply carried is not listed.</summary>
    public required ImmutableArray<Verdict> Verdicts { get; init; }

    public bool IsRefused => Verdicts.Any(verdict => verdict.Kind == VerdictKind.Refused);
}
