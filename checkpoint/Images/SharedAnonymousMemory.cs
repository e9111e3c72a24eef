using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>
/// Shared memory without a name as images have it: since it and a memfd are the same to the kernel, CRIU writes it as a memfd
/// called /dev/zero, which is what the kernel calls it (criu/proc_parse.c, handle_vma).
/// </summary>
internal static class SharedAnonymousMemory
{
    private const string Name = "/dev/zero";
    private const uint SealSeal = 1; // F_SEAL_SEAL: what a memfd has that was made without MFD_ALLOW_SEALING
    private const uint Mode = 0x81ff; // a regular file, rwxrwxrwx
    private const uint ReadWrite = 2; // O_RDWR

    /// <summary>The same container, with a memfd for each segment that only areas show.</summary>
    public static Container AsMemfds(Container container)
    {
        Dictionary<SharedMemoryId, ulong> sizes = SizesOf(container);
        if (sizes.Count == 0)
            return container;
        uint nextFile = container.Files.Select(file => file.Id.Value).DefaultIfEmpty().Max();
        uint nextInode = container.MemfdInodes.Select(inode => inode.Id.Value).DefaultIfEmpty().Max();
        var files = new Dictionary<SharedMemoryId, MemfdFile>();
        var inodes = container.MemfdInodes.ToBuilder();
        foreach ((SharedMemoryId segment, ulong size) in sizes.OrderBy(pair => pair.Key.Value))
        {
            var inode = new MemfdInode { Id = new MemfdInodeId(++nextInode), Name = Name, Size = size, Seals = SealSeal, Mode = Mode, Memory = segment };
            inodes.Add(inode);
            files.Add(segment, new MemfdFile { Id = new FileId(++nextFile), Inode = inode.Id });
        }
        return container with
        {
            Files = container.Files.AddRange(files.Values),
            MemfdInodes = inodes.ToImmutable(),
            Processes = [.. container.Processes.Select(process => process.Memory is { } memory ? process with { Memory = WithFiles(memory, files) } : process)],
        };
    }

    private static MemoryLayout WithFiles(MemoryLayout memory, Dictionary<SharedMemoryId, MemfdFile> files) => memory with
    {
        Areas =
        [
            .. memory.Areas.Select(area => area is { Kind: VmAreaKind.SharedAnonymous, SharedMemory: { } segment }
                ? area with
                {
                    Kind = VmAreaKind.SharedFile,
                    Traits = area.Traits | VmAreaTraits.Memfd,
                    File = files[segment].Id,
                    FileFlags = ReadWrite,
                    SharedMemory = null,
                }
                : area),
        ],
    };

    /// <summary>How far each segment reaches, by what is mapped of it or present in it.</summary>
    private static Dictionary<SharedMemoryId, ulong> SizesOf(Container container)
    {
        var sizes = new Dictionary<SharedMemoryId, ulong>();
        foreach (VmArea area in container.Processes.Where(process => process.Memory is not null).SelectMany(process => process.Memory!.Areas))
        {
            if (area is { Kind: VmAreaKind.SharedAnonymous, SharedMemory: { } segment })
                sizes[segment] = Math.Max(sizes.GetValueOrDefault(segment), area.Offset + area.End - area.Start);
        }
        foreach (SharedMemory memory in container.SharedMemory)
        {
            if (sizes.TryGetValue(memory.Id, out ulong mapped) && !memory.Pages.IsEmpty)
                sizes[memory.Id] = Math.Max(mapped, memory.Pages[^1].End);
        }
        return sizes;
    }
}
