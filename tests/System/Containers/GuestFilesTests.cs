using System.Security.Cryptography;
using System.Text;
using Watari.Containers.Files;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Guests;
using Watari.Hypervisor;
using Watari.Introspection.Kernel;
using Watari.SystemTests.Introspection;

namespace Watari.SystemTests.Containers;

/// <summary>A running guest's files from outside, of each kernel: the guest has written them, and put none of it on its disk yet.</summary>
public sealed class GuestFilesTests
{
    // Paths with what is in them, a line each; of links where they lead.
    private const string List = "cd /root/files && list() { find \"$@\" | LC_ALL=C sort | while read -r f; do if [ -L \"$f\" ]; then echo \"$f -> $(readlink \"$f\")\"; elif [ -d \"$f\" ]; then echo \"$f/\"; else echo \"$f $(sha256sum <\"$f\" | cut -d' ' -f1)\"; fi; done; }; list /root/files /run/files";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("trixie")]
    [InlineData("trixie+bullseye-cloud-amd64")]
    [InlineData("trixie+bookworm-cloud-amd64")]
    [InlineData("trixie+sid-cloud-amd64")]
    public async Task What_is_only_in_the_guests_memory_yet_is_seen(string image)
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "files", Suite = image }, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        await using DiskExport export = await DiskExport.StartAsync(vm.Qmp, Path.Combine(guest.Directory.DirectoryPath, "disks.sock"), Cancellation);
        using var disk = NbdDiskImage.Connect(export.SocketPath, Assert.Single(export.Disks).NodeName);
        GuestKernel kernel = GuestKernel.Attach(GuestMemoryOf.Vm(vm));
        IReadOnlyList<Volume> volumes = Volumes.Of(disk);

        // On the disk and out of memory, to be changed later.
        await guest.Console.CheckAsync(
            "mkdir -p /root/files/old && cd /root/files && head -c 9000 /dev/urandom >appended && head -c 200000 /dev/urandom >overwritten && head -c 9000 /dev/urandom >cut && echo same >old/same && echo gone >gone && echo name >before && sync && echo 3 >/proc/sys/vm/drop_caches",
            cancellation: Cancellation);
        await guest.Console.CheckAsync(
            "cd /root/files && echo more >>appended && printf middle | dd of=overwritten bs=1 seek=100000 conv=notrunc 2>/dev/null && truncate -s 5000 cut && rm gone && mv before after && mkdir new && head -c 300000 /dev/urandom >new/large && : >new/empty && ln -s ../after new/link"
            + " && truncate -s 1000000 new/sparse && printf end >>new/sparse && mkdir -p /run/files/deep && head -c 70000 /dev/urandom >/run/files/deep/data && ln -s deep/data /run/files/link && ln -s $(printf '%0200d' 0) /run/files/long && truncate -s 100000 /run/files/hole",
            cancellation: Cancellation);

        string theirs = await guest.Console.CheckAsync(List, cancellation: Cancellation);
        IFileSystem files = GuestFiles.Of(kernel, volumes);
        string ours = string.Join('\n', [.. Lines(files, "/root/files"), .. Lines(files, "/run/files")]);
        string withoutMemory = string.Join('\n', Lines(Ext4FileSystem.Open(volumes[0]), "/root/files"));

        Assert.Equal(theirs, ours);
        Assert.False(theirs.StartsWith(withoutMemory, StringComparison.Ordinal), "all of it is on the disk already: the test says nothing");
        // Once it is on the disk, the disk alone says the same of what it holds.
        await guest.Console.CheckAsync("sync", cancellation: Cancellation);
        Assert.Equal(Lines(files = GuestFiles.Of(kernel, volumes), "/root/files"), Lines(Ext4FileSystem.Open(volumes[0]), "/root/files"));
        Assert.True(files.Root.TryFind("/run/files/deep/data"u8, out IInode? data) && data.TryFindData(0, out FileRange first) && first == new FileRange(0, 70000));
    }

    private static IEnumerable<string> Lines(IFileSystem files, string directory) =>
        files.Root.Find(Encoding.UTF8.GetBytes(directory)).Tree()
            .Select(file => (Path: file.Path.IsEmpty ? directory : $"{directory}/{Encoding.UTF8.GetString(file.Path.Span)}", file.Inode))
            .OrderBy(file => file.Path, StringComparer.Ordinal)
            .Select(file => file.Inode.Status.Type switch
            {
                FileType.Directory => $"{file.Path}/",
                FileType.SymbolicLink => $"{file.Path} -> {Encoding.UTF8.GetString(file.Inode.ReadLink().Span)}",
                _ => $"{file.Path} {Convert.ToHexStringLower(SHA256.HashData(file.Inode.ReadAll(1 << 21)))}",
            });
}
