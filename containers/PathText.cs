using Watari.Disk.FileSystems;

namespace Watari.Containers;

/// <summary>Paths of a guest, which are bytes, as text for people.</summary>
public static class PathText
{
    /// <summary>Each name escaped, as <see cref="FileName.ToString"/> has it.</summary>
    public static string Of(ReadOnlySpan<byte> path)
    {
        var names = new List<string>();
        foreach (Range range in path.Split((byte)'/')) names.Add(FileName.IsValid(path[range]) ? new FileName(path[range].ToArray()).ToString() : "");
        return string.Join('/', names);
    }
}
