using Watari.Checkpoint.Images;
using Watari.Checkpoint.Model;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Checkpoints;

/// <summary>
/// What a checkpoint is saved to. It is written beside its place and gets its name when all of it is on disk: what bears the name is whole.
/// Disposed before that, nothing of it is left.
/// </summary>
internal interface ICheckpointOutput : IDisposable
{
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: there is less room than that.</exception>
    void RequireRoom(ulong bytes);

    /// <summary>Takes what belongs to the container beside its memory. The container must stand still meanwhile.</summary>
    /// <exception cref="EngineException">It cannot be read, or not be written.</exception>
    void TakeFiles();

    /// <summary>Writes the set, and gives all its name. When this returns, it is on disk.</summary>
    /// <param name="images">The set.</param>
    /// <param name="contents">Where its pages lie.</param>
    /// <param name="phases">What was done up to now.</param>
    /// <exception cref="EngineException"><see cref="FailureKind.SaveFailed"/>: the disk is full, or fails.</exception>
    void Write(CriuImageSet images, IPageContents contents, IReadOnlyList<PhaseTiming> phases);
}
