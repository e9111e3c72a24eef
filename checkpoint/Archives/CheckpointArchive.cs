using System.Formats.Tar;

namespace Watari.Checkpoint.Archives;

/// <summary>
/// A checkpoint archive, whoever made it, read from its first byte to its last: what it says of its container, and what it holds. Nothing
/// of it is unpacked to anywhere.
/// <code>
/// using FileStream file = File.OpenRead("web.tar.zst");
/// CheckpointArchive archive = CheckpointArchive.Read(file, ArchiveLimits.Default);
/// </code>
/// </summary>
public sealed class CheckpointArchive
{
    private const int MaxPathLength = 4096; // PATH_MAX

    private static readonly string[] s_documents = [ArchiveLayout.ConfigDump, ArchiveLayout.SpecDump];

    private CheckpointArchive(ArchiveCompression compression, ArchivedContainer container, IReadOnlyDictionary<string, long> files)
    {
        Compression = compression;
        Container = container;
        Files = files;
    }

    public ArchiveCompression Compression { get; }

    public ArchivedContainer Container { get; }

    /// <summary>Path of each file, as "checkpoint/inventory.img", to its length in bytes.</summary>
    public IReadOnlyDictionary<string, long> Files { get; }

    /// <summary>Bytes of CRIU's images: what the container's memory takes, about.</summary>
    public long ImageBytes => Files.Where(file => file.Key.StartsWith(ArchiveLayout.Images + "/", StringComparison.Ordinal)).Sum(file => file.Value);

    /// <param name="file">The archive, from its start; packed by whatever <see cref="ArchiveCompression"/> has.</param>
    /// <param name="limits">What it may ask for.</param>
    /// <param name="cancellationToken">Stops the reading between two parts.</param>
    /// <exception cref="ArchiveException">It is none, is damaged or cut off, leads out of itself, or goes beyond the limits.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static CheckpointArchive Read(Stream file, ArchiveLimits limits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(limits);
        Span<byte> magic = stackalloc byte[ArchiveCompressions.MagicBytes];
        int read = file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        file.Position = 0;
        ArchiveCompression compression = ArchiveCompressions.Of(magic[..read]);
        try
        {
            using var unpacked = new UnpackedArchive(file, compression.Unpack(file), limits);
            return Read(unpacked, compression, limits, cancellationToken);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or FormatException or ArgumentException or ZstdSharp.ZstdException or OverflowException)
        {
            throw new ArchiveException($"it is damaged or cut off: {e.Message.TrimEnd('.')}", e);
        }
    }

    private static CheckpointArchive Read(UnpackedArchive unpacked, ArchiveCompression compression, ArchiveLimits limits, CancellationToken cancellationToken)
    {
        using var tar = new TarReader(unpacked, leaveOpen: true);
        var files = new Dictionary<string, long>(StringComparer.Ordinal);
        var documents = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        long characters = 0;
        while (Next(tar, unpacked) is { } entry)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (seen.Count == limits.Entries) throw new ArchiveException($"more than {limits.Entries} files");
            RequireWhole(entry);
            if (entry.EntryType == TarEntryType.GlobalExtendedAttributes) continue;
            string path = PathOf(entry);
            if ((characters += path.Length) > limits.NameCharacters) throw new ArchiveException($"names of more than {limits.NameCharacters} characters");
            // The archive's own directory.
            if (path.Length == 0 && entry.EntryType == TarEntryType.Directory) continue;
            if (!seen.Add(path)) throw new ArchiveException($"'{path}' is in it twice");
            switch (entry.EntryType)
            {
                case TarEntryType.Directory:
                    break;
                case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                    files.Add(path, entry.Length);
                    if (s_documents.Contains(path)) documents.Add(path, Document(path, entry, limits));
                    else Skip(entry, cancellationToken);
                    break;
                case TarEntryType.SymbolicLink when path == $"{ArchiveLayout.Images}/parent":
                    throw new ArchiveException("it holds only what changed since an earlier checkpoint (--with-previous), and that is not in it");
                default:
                    throw new ArchiveException($"'{path}' is a {entry.EntryType}: only files and directories can be in it");
            }
        }

        if (!unpacked.HasEnded) throw new ArchiveException("it is cut off");
        // What packs it has a check of its own at the end.
        Drain(unpacked, cancellationToken);
        foreach (string path in (string[])[.. s_documents, ArchiveLayout.Inventory])
        {
            if (!files.ContainsKey(path)) throw new ArchiveException($"it has no {path}");
        }

        return new CheckpointArchive(compression, ArchivedContainer.Parse(documents[ArchiveLayout.ConfigDump], documents[ArchiveLayout.SpecDump]), files);
    }

    private static TarEntry? Next(TarReader tar, UnpackedArchive unpacked)
    {
        unpacked.ReadsHeader = true;
        try
        {
            return tar.GetNextEntry();
        }
        finally
        {
            unpacked.ReadsHeader = false;
        }
    }

    /// <summary>GNU's sparse files have another name and another length than the entry says: who unpacks them writes what was never looked at.</summary>
    private static void RequireWhole(TarEntry entry)
    {
        IEnumerable<string> attributes = entry switch
        {
            PaxTarEntry file => file.ExtendedAttributes.Keys,
            PaxGlobalExtendedAttributesTarEntry all => all.GlobalExtendedAttributes.Keys,
            _ => [],
        };
        if (attributes.Any(name => name.StartsWith("GNU.sparse.", StringComparison.Ordinal))) throw new ArchiveException($"'{entry.Name}' is sparse: only whole files can be in it");
    }

    /// <summary>Relative, without what tar puts around it; empty: the archive's own directory.</summary>
    private static string PathOf(TarEntry entry)
    {
        string path = entry.Name;
        if (path.Length > MaxPathLength || path.Contains('\0', StringComparison.Ordinal)) throw new ArchiveException($"a name of {path.Length} characters, or with a zero in it");
        if (path.StartsWith('/')) throw new ArchiveException($"'{path}' is an absolute path");
        string[] parts = [.. path.Split('/').Where(part => part is not ("" or "."))];
        if (parts.Contains("..")) throw new ArchiveException($"'{path}' leads out of it");
        return string.Join('/', parts);
    }

    private static byte[] Document(string path, TarEntry entry, ArchiveLimits limits)
    {
        if (entry.Length > limits.DocumentBytes) throw new ArchiveException($"{path} has {entry.Length} bytes; at most {limits.DocumentBytes} are read");
        byte[] document = new byte[entry.Length];
        entry.DataStream?.ReadExactly(document);
        return document;
    }

    private static void Skip(TarEntry entry, CancellationToken cancellationToken)
    {
        if (entry.DataStream is not { } data) return;
        long read = Drain(data, cancellationToken);
        if (read != entry.Length) throw new ArchiveException($"it is cut off in '{entry.Name}', after {read} of {entry.Length} bytes");
    }

    private static long Drain(Stream data, CancellationToken cancellationToken)
    {
        byte[] part = new byte[1 << 16];
        long total = 0;
        for (int read; (read = data.Read(part)) > 0; total += read) cancellationToken.ThrowIfCancellationRequested();
        return total;
    }
}
