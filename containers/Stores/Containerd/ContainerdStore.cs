using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Watari.Containers.Bolt;
using Watari.Introspection.Containers;

namespace Watari.Containers.Stores.Containerd;

/// <summary>
/// Containerd's containers, of its own daemon and of the one that Docker starts, from its bbolt database (core/metadata/buckets.go):
/// <c>v1/NAMESPACE/containers/ID</c>. It keeps no state there: whether one runs is told by its process.
/// </summary>
internal sealed class ContainerdStore : IContainerStore
{
    private const string Metadata = "io.containerd.metadata.v1.bolt/meta.db";
    private const int TimeLength = 15; // Go's time.MarshalBinary: version, seconds since the year 1, nanoseconds, zone

    private static readonly string[] s_roots = ["/var/lib/containerd", "/var/lib/docker/containerd/daemon"];

    public IReadOnlyList<ContainerRecord> Read(StoreFiles files, ICollection<UnreadableFile> unreadable)
    {
        List<ContainerRecord> records = [];
        foreach (string root in s_roots)
        {
            string path = $"{root}/{Metadata}";
            try
            {
                if (files.BoltDatabase(path) is { } file) ReadNamespaces(BoltDatabase.Open(file), files, records, unreadable, path);
            }
            catch (ContainerStoreException e)
            {
                unreadable.Add(new UnreadableFile(path, e.Message));
            }
        }

        return records;
    }

    private static void ReadNamespaces(BoltDatabase database, StoreFiles files, List<ContainerRecord> records, ICollection<UnreadableFile> unreadable, string path)
    {
        if (database.Root.Bucket("v1"u8) is not { } version) return;
        foreach (BoltEntry space in version)
        {
            if (!space.IsBucket || version.Bucket(space).Bucket("containers"u8) is not { } containers) continue;
            foreach (BoltEntry entry in containers)
            {
                if (!entry.IsBucket) continue;
                if (records.Count == files.Limits.Containers) throw new ContainerStoreException($"has more than {files.Limits.Containers} containers");
                string name = Encoding.UTF8.GetString(entry.Key.Span);
                if (ContainerId.TryParse(name, out ContainerId id)) records.Add(ReadOne(id, containers.Bucket(entry), path));
                else unreadable.Add(new UnreadableFile(path, $"a container is called {name}, which is no id"));
            }
        }
    }

    private static ContainerRecord ReadOne(ContainerId id, BoltBucket container, string path)
    {
        var parts = new ReadableParts();
        OciSpec? spec = parts.TryRead($"{path}: spec of {id}", () => container.Value("spec"u8) is { } any ? Spec(any.Span) : null);
        return new ContainerRecord
        {
            Id = id,
            Runtime = ContainerRuntime.Containerd,
            Names = [id.ToString()],
            Image = Text(container.Value("image"u8)),
            Command = JsonText.Texts(spec?.Process?.Args),
            Labels = (container.Bucket("labels"u8) ?? Enumerable.Empty<BoltEntry>()).DistinctBy(label => Text(label.Key)).ToDictionary(label => Text(label.Key)!, label => Text(label.Value)!, StringComparer.Ordinal),
            Created = Time(container.Value("createdat"u8)),
            State = ContainerState.Created,
            Mounts = [.. spec?.BindMounts() ?? []],
            OciRuntime = Text(container.Bucket("runtime"u8)?.Value("name"u8)),
            Unreadable = parts.Unreadable,
        };
    }

    /// <summary>A google.protobuf.Any that holds JSON.</summary>
    private static OciSpec Spec(ReadOnlySpan<byte> any)
    {
        try
        {
            return JsonText.Parse(Any.Parser.ParseFrom(any).Value.Span, OciJson.Default.OciSpec);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new ContainerStoreException($"is no protobuf: {e.Message}", e);
        }
    }

    private static string? Text(ReadOnlyMemory<byte>? bytes) => bytes is { } known ? Encoding.UTF8.GetString(known.Span) : null;

    private static DateTimeOffset? Time(ReadOnlyMemory<byte>? bytes)
    {
        if (bytes is not { Length: TimeLength } time) return null;
        long seconds = BinaryPrimitives.ReadInt64BigEndian(time.Span[1..]), ticks = BinaryPrimitives.ReadInt32BigEndian(time.Span[9..]) / TimeSpan.NanosecondsPerTick;
        if (seconds is <= 0 || seconds >= DateTime.MaxValue.Ticks / TimeSpan.TicksPerSecond) return null;
        return new DateTimeOffset((seconds * TimeSpan.TicksPerSecond) + ticks, TimeSpan.Zero);
    }
}
