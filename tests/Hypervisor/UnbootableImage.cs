namespace Watari.Hypervisor.Tests;

/// <summary>A guest image that QEMU loads and no processor could run: for VMs that are started with -S.</summary>
internal static class UnbootableImage
{
    internal static string CreateIn(string directory)
    {
        string image = Path.Combine(directory, "image");
        Directory.CreateDirectory(image);
        File.WriteAllBytes(Path.Combine(image, "disk.raw"), new byte[1 << 20]);
        File.WriteAllBytes(Path.Combine(image, "initrd.img"), new byte[512]);
        byte[] kernel = new byte[16 << 10];
        "HdrS\x06\x02"u8.CopyTo(kernel.AsSpan(0x202)); // boot protocol 2.6, and the highest address for an initrd: enough for QEMU to load it
        BitConverter.TryWriteBytes(kernel.AsSpan(0x22c), 0x37ff_ffff);
        File.WriteAllBytes(Path.Combine(image, "vmlinuz"), kernel);
        return image;
    }
}
