using System.Text;
using Watari.Containers.Bolt;

namespace Watari.Containers.Stores.Podman;

/// <summary>The database of podman 4: bbolt (libpod/boltdb_state_internal.go).</summary>
internal static class BoltState
{
    /// <exception cref="ContainerStoreException">It is damaged, or no such database.</exception>
    internal static IReadOnlyList<LibpodRow> Read(ReadOnlyMemory<byte> file, int limit)
    {
        BoltBucket? containers = BoltDatabase.Open(file).Root.Bucket("ctr"u8);
        List<LibpodRow> rows = [];
        foreach (BoltEntry entry in containers ?? Enumerable.Empty<BoltEntry>())
        {
            if (rows.Count == limit) throw new ContainerStoreException($"has more than {limit} containers");
            if (!entry.IsBucket) continue;
            BoltBucket container = containers!.Bucket(entry);
            rows.Add(new LibpodRow(
                Encoding.UTF8.GetString(entry.Key.Span),
                container.Value("config"u8) ?? default,
                container.Value("state"u8) ?? default,
                [.. (container.Bucket("networks"u8) ?? Enumerable.Empty<BoltEntry>()).Select(network => Encoding.UTF8.GetString(network.Key.Span))]));
        }

        return rows;
    }
}
