using System.Collections.Immutable;
using System.Formats.Tar;
using System.IO.Compression;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>tmpfs-dev-N.tar.gz: the files of a tmpfs, which CRIU unpacks with tar.</summary>
internal static class TmpfsImages
{
    private const uint TypeMask = 0xf000;
    private const uint TypeFifo = 0x1000;
    private const uint TypeCharacterDevice = 0x2000;
    private const uint TypeDirectory = 0x4000;
    private const uint TypeBlockDevice = 0x6000;
    private const uint TypeRegular = 0x8000;
    private const uint TypeSymbolicLink = 0xa000;
    private const uint PermissionMask = 0xfff;

    public static void Build(ImageSetWriter images, Container container)
    {
        foreach (TmpfsTree tree in container.Tmpfs)
        {
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            using (var tar = new TarWriter(gzip, TarEntryFormat.Gnu))
                Write(tar, tree.Root, ".", images.Contents);
            images.Add(CriuImageKinds.TmpfsDev.FileName(tree.Device), packed.ToArray());
        }
    }

    public static ImmutableArray<TmpfsTree> Parse(ImageSetView images) =>
    [
        .. images.Numbers(CriuImageKinds.TmpfsDev).Select(device =>
        {
            string name = CriuImageKinds.TmpfsDev.FileName(device);
            return new TmpfsTree(ImageSetView.Word(device, name, "its device"), TmpfsTarReader.Read(name, images.Set.Images[name], images.Limits));
        }),
    ];

    private static void Write(TarWriter tar, TmpfsEntry file, string path, IPageContents contents)
    {
        // Sockets have no place in a tar; their owners bind them again.
        if (EntryOf(file, path) is not { } entry)
            return;
        entry.Mode = (UnixFileMode)(file.Mode & PermissionMask);
        entry.Uid = (int)file.Uid;
        entry.Gid = (int)file.Gid;
        entry.ModificationTime = DateTimeOffset.FromUnixTimeSeconds(file.ModificationTime);
        if (file.Contents is { } data)
            entry.DataStream = new MemoryStream(contents.BytesOf(data).ToArray(), writable: false);
        tar.WriteEntry(entry);
        foreach (TmpfsEntry child in file.Children)
            Write(tar, child, $"{path}/{child.Name}", contents);
    }

    private static GnuTarEntry? EntryOf(TmpfsEntry file, string path) => (file.Mode & TypeMask) switch
    {
        TypeDirectory => new GnuTarEntry(TarEntryType.Directory, path + "/"),
        TypeRegular => new GnuTarEntry(TarEntryType.RegularFile, path),
        TypeSymbolicLink => new GnuTarEntry(TarEntryType.SymbolicLink, path) { LinkName = file.LinkTarget! },
        TypeFifo => new GnuTarEntry(TarEntryType.Fifo, path),
        TypeCharacterDevice => new GnuTarEntry(TarEntryType.CharacterDevice, path) { DeviceMajor = (int)file.DeviceMajor, DeviceMinor = (int)file.DeviceMinor },
        TypeBlockDevice => new GnuTarEntry(TarEntryType.BlockDevice, path) { DeviceMajor = (int)file.DeviceMajor, DeviceMinor = (int)file.DeviceMinor },
        _ => null,
    };
}
