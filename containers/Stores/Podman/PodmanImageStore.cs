using Watari.Introspection.Containers;

namespace Watari.Containers.Stores.Podman;

/// <summary>Podman's images, from <c>/var/lib/containers/storage</c>: a list of them, and one of the layers (containers/storage images.go, layers.go).</summary>
internal static class PodmanImageStore
{
    private const string Root = "/var/lib/containers/storage", Images = Root + "/overlay-images/images.json", Layers = Root + "/overlay-layers/layers.json";

    internal static IEnumerable<ImageRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        var parts = new ReadableParts();
        IReadOnlyList<StorageImage> images = [.. (parts.TryRead(Images, () => files.Json(Images, LibpodJson.Default.IReadOnlyListStorageImage)) ?? []).OfType<StorageImage>()];
        Dictionary<string, StorageLayer> layers = [];
        if (images.Count > 0)
        {
            foreach (StorageLayer? layer in parts.TryRead(Layers, () => files.Json(Layers, LibpodJson.Default.IReadOnlyListStorageLayer)) ?? [])
            {
                if (layer?.Id is { } id) layers[id] = layer;
            }
        }

        foreach (UnreadableFile file in parts.Unreadable) unreadable.Add(file);
        if (images.Count > files.Limits.Containers) unreadable.Add(new UnreadableFile(Images, $"has more than {files.Limits.Containers} images"));
        return
        [
            .. from image in images.Take(files.Limits.Containers)
               where ContainerId.TryParseFull(image.Id, out _)
               select new ImageRecord(ContainerRuntime.Podman, image.Id!, JsonText.Texts(image.Names), GoTime.OrNull(image.Created), SizeOf(image, layers, files.Limits)),
        ];
    }

    /// <summary>Of its layers and of what is kept beside them, as store.ImageSize has it; null where a layer is not there, or has no size.</summary>
    private static long? SizeOf(StorageImage image, Dictionary<string, StorageLayer> layers, ContainerLimits limits)
    {
        long bytes = 0;
        int count = 0;
        for (string? id = image.Layer; !string.IsNullOrEmpty(id);)
        {
            if (++count > limits.Layers || !layers.TryGetValue(id, out StorageLayer? layer) || layer.Size is not >= 0) return null;
            bytes += Math.Min(layer.Size.Value, long.MaxValue / 4096);
            id = layer.Parent;
        }

        foreach (long size in image.BigDataSizes?.Values ?? []) bytes += Math.Clamp(size, 0, long.MaxValue / 4096);
        return bytes;
    }
}
