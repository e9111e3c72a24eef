using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>Files that are opened again by path; remap-fpath and ghost-file-N for those whose path is gone.</summary>
internal static class PathFileImages
{
    public static Proto.RegFileEntry Build(PathFile file)
    {
        var entry = new Proto.RegFileEntry
        {
            Id = file.Id.Value,
            Flags = file.Flags,
            Pos = file.Position,
            Fown = FileOwnerImages.Build(file.Owner),
            Name = ProtoText.Of(file.Path),
            Mode = file.Mode,
        };
        if (file.MountId is { } mount)
            entry.MntId = mount;
        if (file.Size is { } size)
            entry.Size = size;
        return entry;
    }

    public static PathFile Parse(Proto.RegFileEntry entry, ImmutableDictionary<uint, GhostFileId> ghosts) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Path = KernelText.Decode(entry.Name.Span),
        MountId = entry.HasMntId && entry.MntId != -1 ? entry.MntId : null,
        Mode = entry.Mode,
        Position = entry.Pos,
        Size = entry.HasSize ? entry.Size : null,
        Ghost = ghosts.TryGetValue(entry.Id, out GhostFileId ghost) ? ghost : null,
    };

    public static void BuildGhosts(ImageSetWriter images, Container container)
    {
        ImmutableArray<PathFile> deleted = [.. container.Files.OfType<PathFile>().Where(file => file.Ghost is not null)];
        if (deleted.IsEmpty)
            return;
        images.Add(CriuImageKinds.RemapFpath, deleted.Select(file => new Proto.RemapFilePathEntry
        {
            OrigId = file.Id.Value,
            RemapId = file.Ghost!.Value.Value,
            RemapType = Proto.RemapType.Ghost,
        }));
        foreach (GhostFile ghost in container.GhostFiles)
        {
            var writer = new CriuImageWriter(CriuImageKinds.GhostFile);
            writer.Add(Build(ghost), images.Contents.BytesOf(ghost.Contents).Span);
            images.Add(CriuImageKinds.GhostFile.FileName(ghost.Id.Value), writer.ToArray());
        }
    }

    public static ImmutableDictionary<uint, GhostFileId> ParseRemaps(ImageSetView images)
    {
        var remaps = ImmutableDictionary.CreateBuilder<uint, GhostFileId>();
        string name = CriuImageKinds.RemapFpath.FileName();
        foreach (var entry in images.Messages<Proto.RemapFilePathEntry>(CriuImageKinds.RemapFpath))
        {
            if (entry.HasRemapType && entry.RemapType != Proto.RemapType.Ghost)
                throw new CriuImageException(name, $"file {entry.OrigId} is remapped by {entry.RemapType}, which is not carried");
            remaps[entry.OrigId] = new GhostFileId(entry.RemapId);
        }
        return remaps.ToImmutable();
    }

    public static ImmutableArray<GhostFile> ParseGhosts(ImageSetView images) =>
    [
        .. images.Numbers(CriuImageKinds.GhostFile).Select(number =>
        {
            string name = CriuImageKinds.GhostFile.FileName(number);
            CriuImageEntry entry = images.Read(CriuImageKinds.GhostFile, number).FirstOrDefault();
            return entry.Message is Proto.GhostFileEntry ghost
                ? Parse(new GhostFileId(ImageSetView.Word(number, name, "its number")), ghost, entry.Payload, images.Limits, name)
                : throw new CriuImageException(name, "it is empty");
        }),
    ];

    private static Proto.GhostFileEntry Build(GhostFile ghost)
    {
        var entry = new Proto.GhostFileEntry
        {
            Uid = ghost.Uid,
            Gid = ghost.Gid,
            Mode = ghost.Mode,
            Dev = ghost.Device,
            Ino = ghost.Inode,
            Atim = Build(ghost.AccessTime),
            Mtim = Build(ghost.ModificationTime),
        };
        if (ghost.DeviceNumber is { } number)
            entry.Rdev = number;
        return entry;
    }

    private static GhostFile Parse(GhostFileId id, Proto.GhostFileEntry entry, ReadOnlyMemory<byte> contents, CriuImageLimits limits, string name) => new()
    {
        Id = id,
        Uid = entry.Uid,
        Gid = entry.Gid,
        Mode = entry.Mode,
        Device = entry.Dev,
        Inode = entry.Ino,
        DeviceNumber = entry.HasRdev ? entry.Rdev : null,
        AccessTime = Parse(entry.Atim),
        ModificationTime = Parse(entry.Mtim),
        Contents = new InlineContents(entry.Chunks ? GhostChunks.Join(contents, entry.Size, limits, name) : contents),
    };

    private static Proto.Timeval Build(Nanoseconds time) => new() { TvSec = time.Seconds, TvUsec = time.SubsecondMicroseconds };

    private static Nanoseconds Parse(Proto.Timeval? time) => time is null ? default : ProtoTime.FromTimeval(time.TvSec, time.TvUsec);
}
