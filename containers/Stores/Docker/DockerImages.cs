namespace Watari.Containers.Stores.Docker;

/// <summary>What Docker's images are called now (image/overlay2/repositories.json).</summary>
internal sealed class DockerImages(IReadOnlyDictionary<string, string> idsByReference)
{
    private const string HubDomain = "docker.io/", OldHubDomain = "index.docker.io/", Official = "library/", DigestPrefix = "sha256:";
    private const int MinIdPrefix = 1;

    /// <summary>By the images' ids (sha256:HEX); names by digest only of a repository that has no tag of the image, and one, as docker images shows them.</summary>
    internal ILookup<string, string> NamesById => idsByReference
        .GroupBy(pair => (Id: pair.Value ?? "", Repository: ImageRecord.RepositoryOf(pair.Key)), pair => pair.Key)
        .SelectMany(names => ShownOf(names).Select(name => (names.Key.Id, Name: name)))
        .ToLookup(pair => pair.Id, pair => pair.Name, StringComparer.Ordinal);

    internal static DockerImages Read(StoreFiles files, string path, ICollection<UnreadableFile> unreadable)
    {
        var ids = new Dictionary<string, string>(StringComparer.Ordinal);
        try
        {
            foreach (IReadOnlyDictionary<string, string>? references in files.Json(path, DockerJson.Default.DockerRepositories)?.Repositories?.Values ?? [])
            {
                foreach ((string reference, string id) in references ?? new Dictionary<string, string>()) ids[reference] = id;
            }
        }
        catch (ContainerStoreException e)
        {
            unreadable.Add(new UnreadableFile(path, e.Message));
        }

        return new DockerImages(ids);
    }

    /// <summary>What docker ps shows of a container's image: the name that it was made by, unless that is another image's now (daemon/list.go refreshImage).</summary>
    /// <param name="name">As it was given.</param>
    /// <param name="id">sha256:HEX of the image that the container has.</param>
    internal string? Shown(string? name, string? id)
    {
        if (string.IsNullOrEmpty(name) || string.IsNullOrEmpty(id)) return name ?? id;
        if (idsByReference.TryGetValue(Familiar(name), out string? now)) return now == id ? name : id;
        string digits = name.StartsWith(DigestPrefix, StringComparison.Ordinal) ? name[DigestPrefix.Length..] : name;
        return digits.Length >= MinIdPrefix && id.StartsWith(DigestPrefix + digits, StringComparison.Ordinal) ? name : id;
    }

    private static IEnumerable<string> ShownOf(IEnumerable<string> names)
    {
        ILookup<bool, string> byDigest = names.ToLookup(name => name.Contains('@', StringComparison.Ordinal));
        return byDigest.Contains(false) ? byDigest[false] : byDigest[true].Order(StringComparer.Ordinal).Take(1);
    }

    /// <summary>A name as repositories.json has it (distribution/reference FamiliarString): without the hub, and with a tag.</summary>
    private static string Familiar(string name)
    {
        foreach (string domain in (string[])[HubDomain, OldHubDomain])
        {
            if (!name.StartsWith(domain, StringComparison.Ordinal)) continue;
            name = name[domain.Length..];
            break;
        }

        if (name.StartsWith(Official, StringComparison.Ordinal)) name = name[Official.Length..];
        bool hasTag = name.LastIndexOf(':') > name.LastIndexOf('/') || name.Contains('@', StringComparison.Ordinal);
        return hasTag ? name : name + ":latest";
    }
}
