namespace Watari.Hypervisor;

/// <summary>A guest image as guest-image/build.sh leaves it: a read-only disk, and the kernel and initrd that boot it.</summary>
public sealed record GuestImage
{
    private GuestImage(string directory) => Directory = directory;

    /// <summary>The directory itself, no link to it: overlays name their backing file by it, and the link moves when the image is built anew.</summary>
    public string Directory { get; }

    public string Disk => Path.Combine(Directory, "disk.raw");

    public string Kernel => Path.Combine(Directory, "vmlinuz");

    public string Initrd => Path.Combine(Directory, "initrd.img");

    /// <summary>${WATARI_CACHE:-/var/cache/watari}/guest-image/SUITE.</summary>
    public static string DefaultDirectory(string suite = "trixie") => Path.Combine(WatariDirectories.Cache, "guest-image", suite);

    /// <exception cref="HypervisorException">The image is missing or not whole.</exception>
    public static GuestImage Open(string directory)
    {
        if (!System.IO.Directory.Exists(directory)) throw new HypervisorException($"There is no guest image in {directory}. Build it with: make guest-image");
        string real = new DirectoryInfo(directory).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.GetFullPath(directory);
        var image = new GuestImage(real);
        foreach (string file in (string[])[image.Disk, image.Kernel, image.Initrd])
        {
            if (!File.Exists(file))
                throw new HypervisorException($"There is no guest image in {directory}: {file} is missing. Build it with: make guest-image");
        }
        return image;
    }
}
