using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Watari.Introspection.Containers;

namespace Watari.Containers.Stores.Docker;

/// <summary>
/// Docker's images, from <c>/var/lib/docker/image/overlay2</c>: a configuration of each, the names that lead to them, and the layers by their
/// chain ids (image-spec config.md, "Layer ChainID"). One that no name leads to is left out where another is built on it, as by docker images.
/// </summary>
internal static class DockerImageStore
{
    private const string Root = "/var/lib/docker/image/overlay2", Contents = Root + "/imagedb/content/sha256", Metadata = Root + "/imagedb/metadata/sha256", Digest = "sha256:";

    internal static IEnumerable<ImageRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        ContainerId[] ids = files.Ids(Contents, ContainerId.TryParseFull, unreadable, "images");
        if (ids.Length == 0) return [];
        ILookup<string, string> names = DockerImages.Read(files, $"{Root}/repositories.json", unreadable).NamesById;
        var parts = new ReadableParts();
        HashSet<string> parents = [.. ids.Select(id => parts.TryRead($"{Metadata}/{id}/parent", () => files.Text($"{Metadata}/{id}/parent"))).OfType<string>()];
        List<ImageRecord> images = [];
        foreach (ContainerId id in ids)
        {
            string reference = Digest + id, path = $"{Contents}/{id}";
            if (!names.Contains(reference) && parents.Contains(reference)) continue;
            DockerImage? image = parts.TryRead(path, () => files.Json(path, DockerJson.Default.DockerImage));
            long? size = parts.TryRead(path, () => SizeOf(files, image));
            images.Add(new ImageRecord(ContainerRuntime.Docker, reference, [.. names[reference].Order(StringComparer.Ordinal)], GoTime.OrNull(image?.Created), size));
        }

        foreach (UnreadableFile file in parts.Unreadable) unreadable.Add(file);
        return images;
    }

    /// <summary>Null where a layer of it is not there.</summary>
    private static long? SizeOf(StoreFiles files, DockerImage? image)
    {
        if (image?.Rootfs?.DiffIds is not { } layers) return null;
        if (layers.Count > files.Limits.Layers) throw new ContainerStoreException($"has {layers.Count} layers; the limit is {files.Limits.Layers}");
        string chain = "";
        long bytes = 0;
        foreach (string? layer in layers)
        {
            if (layer is null || !layer.StartsWith(Digest, StringComparison.Ordinal) || !ContainerId.TryParseFull(layer[Digest.Length..], out _)) throw new ContainerStoreException("names a layer that is none");
            chain = chain.Length == 0 ? layer : Digest + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes($"{chain} {layer}")));
            if (!long.TryParse(files.Text($"{Root}/layerdb/sha256/{chain[Digest.Length..]}/size"), NumberStyles.None, CultureInfo.InvariantCulture, out long size)) return null;
            bytes += Math.Min(size, long.MaxValue / 1024);
        }

        return bytes;
    }
}
