namespace Watari.Containers.Stores;

/// <summary>
/// A directory of overlay layers, as Docker's overlay2 and containers/storage keep it: of each layer <c>diff</c>, <c>work</c>, <c>merged</c>,
/// and in <c>lower</c> the layers below by their short names, which are links in <c>l</c>.
/// </summary>
internal sealed class OverlayLayers(StoreFiles files, string root)
{
    private const int MaxShortName = 64;

    /// <summary>The directories of the topmost layer of a root; null where there is none of that name.</summary>
    /// <param name="layer">A name of one layer, which may be anything.</param>
    /// <exception cref="ContainerStoreException">It is no name, or what is below it cannot be read.</exception>
    internal OverlayDirectories? Of(string layer)
    {
        if (!IsName(layer)) throw new ContainerStoreException($"\"{layer}\" is no layer");
        string top = $"{root}/{layer}";
        if (files.Text($"{top}/link") is null) return null;
        string[] below = files.Text($"{top}/lower")?.Split(':', StringSplitOptions.RemoveEmptyEntries) ?? [];
        if (below.Length > files.Limits.Layers) throw new ContainerStoreException($"{top}/lower names {below.Length} layers; the limit is {files.Limits.Layers}");
        return new OverlayDirectories([.. below.Select(name => DirectoryOf(top, name))], $"{top}/diff", $"{top}/work", $"{top}/merged");
    }

    /// <summary>From l/SHORT to the directory of the layer: the link there says ../LAYER/diff.</summary>
    private string DirectoryOf(string top, string shortName)
    {
        string[] parts = shortName.Split('/');
        if (parts is ["l", { Length: <= MaxShortName } name] && IsName(name) && files.Link($"{root}/l/{name}")?.Split('/') is ["..", var layer, "diff"] && IsName(layer))
            return $"{root}/{layer}/diff";
        throw new ContainerStoreException($"{top}/lower names a layer that is not there: {shortName}");
    }

    private static bool IsName(string text) => ContainerId.TryParse(text, out _);
}
