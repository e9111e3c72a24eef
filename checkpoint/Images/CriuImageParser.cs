using System.Collections.Immutable;
using Watari.Checkpoint.Model;

namespace Watari.Checkpoint.Images;

/// <summary>A set of images, whoever wrote it, back to the container model.</summary>
public static class CriuImageParser
{
    /// <summary>Reads the set.</summary>
    /// <exception cref="CriuImageException">An image is damaged, contradicts another, or holds something that the model has no place for.</exception>
    public static Container Parse(CriuImageSet set, CriuImageLimits limits)
    {
        ArgumentNullException.ThrowIfNull(set);
        ArgumentNullException.ThrowIfNull(limits);

        var images = new ImageSetView(set, limits);
        ImmutableDictionary<uint, PageImage> pages = set.PageImages.ToImmutableDictionary(image => image.PagesId);
        Proto.CgroupEntry? cgroups = CgroupImages.Read(images);
        var container = new Container
        {
            HostNamespaces = InventoryImages.Parse(images),
            Processes = [.. ProcessTreeImages.Parse(images).Select(entry => Parse(images, entry, pages))],
            Files = FileImages.Parse(images),
            DescriptorTables = DescriptorTableImages.Parse(images),
            Pipes = PipeImages.ParseData(images, CriuImageKinds.PipesData),
            Fifos = PipeImages.ParseData(images, CriuImageKinds.FifoData),
            SharedMemory = MemoryImages.ParseShared(images, pages),
            MemfdInodes = MemfdImages.ParseInodes(images),
            GhostFiles = PathFileImages.ParseGhosts(images),
            UtsNamespaces = NamespaceImages.ParseUts(images),
            IpcNamespaces = NamespaceImages.ParseIpc(images),
            MountNamespaces = MountImages.Parse(images),
            Tmpfs = TmpfsImages.Parse(images),
            CgroupSets = CgroupImages.ParseSets(cgroups),
            Cgroups = CgroupImages.ParseHierarchies(cgroups),
            SeccompFilters = SeccompImages.Parse(images),
            Clocks = NamespaceImages.ParseClocks(images),
        };
        ContainerReferences.Check(container);
        return container;
    }

    private static Process Parse(ImageSetView images, Proto.PstreeEntry entry, IReadOnlyDictionary<uint, PageImage> pages)
    {
        Process process = CoreImages.Parse(images, entry);
        return process.State == ProcessState.Zombie
            ? process
            : process with
            {
                FileSystem = DescriptorTableImages.ParseFs(images, entry.Pid),
                Memory = MemoryImages.Parse(images, entry.Pid, pages),
            };
    }
}
