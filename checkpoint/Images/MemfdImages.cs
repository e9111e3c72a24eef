using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>memfds, and memfd.img with the inodes behind them.</summary>
internal static class MemfdImages
{
    public static Proto.MemfdFileEntry Build(MemfdFile file) => new()
    {
        Id = file.Id.Value,
        Flags = file.Flags,
        Pos = file.Position,
        Fown = FileOwnerImages.Build(file.Owner),
        InodeId = file.Inode.Value,
    };

    public static MemfdFile Parse(Proto.MemfdFileEntry entry) => new()
    {
        Id = new FileId(entry.Id),
        Flags = entry.Flags,
        Owner = FileOwnerImages.Parse(entry.Fown),
        Position = entry.Pos,
        Inode = new MemfdInodeId(entry.InodeId),
    };

    public static void BuildInodes(ImageSetWriter images, Container container)
    {
        if (container.MemfdInodes.IsEmpty)
            return;
        images.Add(CriuImageKinds.MemfdInode, container.MemfdInodes.Select(inode => new Proto.MemfdInodeEntry
        {
            Name = ProtoText.Of(inode.Name),
            Uid = inode.Uid,
            Gid = inode.Gid,
            Size = inode.Size,
            Shmid = inode.Memory.Value,
            Seals = inode.Seals,
            InodeId = inode.Id.Value,
            Mode = inode.Mode,
        }));
    }

    public static ImmutableArray<MemfdInode> ParseInodes(ImageSetView images)
    {
        string name = CriuImageKinds.MemfdInode.FileName();
        return
        [
            .. images.Messages<Proto.MemfdInodeEntry>(CriuImageKinds.MemfdInode).Select(entry => entry.HugetlbFlag == 0
                ? new MemfdInode
                {
                    Id = new MemfdInodeId(ImageSetView.Word(entry.InodeId, name, "the id of an inode")),
                    Name = KernelText.Decode(entry.Name.Span),
                    Uid = entry.Uid,
                    Gid = entry.Gid,
                    Size = entry.Size,
                    Seals = entry.Seals,
                    Mode = entry.Mode,
                    Memory = new SharedMemoryId(entry.Shmid),
                }
                : throw new CriuImageException(name, "a memfd of huge pages, which is not carried")),
        ];
    }
}
