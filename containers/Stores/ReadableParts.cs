namespace Watari.Containers.Stores;

/// <summary>Reads a container part by part: what one part lacks does not take the others with it, and is told.</summary>
internal sealed class ReadableParts
{
    private readonly List<UnreadableFile> _unreadable = [];

    internal IReadOnlyList<UnreadableFile> Unreadable => _unreadable;

    /// <summary>Null where there is none, or it cannot be read.</summary>
    internal T? TryRead<T>(string path, Func<T?> read)
    {
        try
        {
            return read();
        }
        catch (ContainerStoreException e)
        {
            _unreadable.Add(new UnreadableFile(path, e.Message));
            return default;
        }
    }
}
