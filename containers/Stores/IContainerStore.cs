namespace Watari.Containers.Stores;

/// <summary>What one container runtime keeps in a guest's files.</summary>
internal interface IContainerStore
{
    /// <summary>
    /// Its containers; none where the runtime is not there. One whose files are damaged is among them, with what could be read of it; one that
    /// goes away meanwhile is not.
    /// </summary>
    /// <param name="files">The guest's.</param>
    /// <param name="unreadable">Gets what is no single container's.</param>
    IReadOnlyList<ContainerRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable);
}
