using System.Diagnostics;
using System.Security.Cryptography;
using Watari.Disk;
using Watari.Disk.Ext4;
using Watari.Disk.FileSystems;
using Watari.Disk.Images;
using Watari.Guests;
using Watari.Hypervisor;

namespace Watari.SystemTests.Disk;

/// <summary>The disk of a guest that runs, its qcow2 exported by its own QEMU: what the guest has written is read from outside.</summary>
public sealed class RunningGuestDiskTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_a_guest_has_written_and_synced_is_read_from_outside_also_while_it_stands_still()
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "disk" }, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        await guest.Console.CheckAsync("mkdir -p /srv/disk/deep/er && cd /srv/disk && seq 100000 >numbers && ln -s ../deep/../numbers deep/link && setfattr -h -n user.note -v 'from inside' numbers 2>/dev/null; printf later >later; sync -f /srv/disk", cancellation: Cancellation);
        string inside = await guest.Console.CheckAsync("sha256sum </srv/disk/numbers | cut -c1-64; stat -c '%i %f %s %Y' /srv/disk/numbers", cancellation: Cancellation);

        await using DiskExport export = await DiskExport.StartAsync(vm.Qmp, Path.Combine(guest.Directory.DirectoryPath, "disks.sock"), Cancellation);
        using var disk = NbdDiskImage.Connect(export.SocketPath, Assert.Single(export.Disks).NodeName);
        Volume volume = Assert.Single(Volumes.Of(disk));

        Assert.Equal(inside, DiskLook.Take(volume, Outside));
        await using (await vm.HoldAsync(Cancellation)) Assert.Equal(inside, DiskLook.Take(volume, Outside));

        // Changed, and only in the journal for now: fsync writes the journal, and the blocks that it tells of later.
        await guest.Console.CheckAsync("cd /srv/disk && echo more >>numbers && mv later earlier && sync numbers", cancellation: Cancellation);
        inside = await guest.Console.CheckAsync("sha256sum </srv/disk/numbers | cut -c1-64; stat -c '%i %f %s %Y' /srv/disk/numbers", cancellation: Cancellation);
        Assert.Equal(inside, DiskLook.Take(volume, Outside));
        Assert.True(DiskLook.Take(volume, static files => files.Root.TryFind("/srv/disk/earlier"u8, out _) && !files.Root.TryFind("/srv/disk/later"u8, out _)));
        Assert.True(Ext4FileSystem.Open(volume).Journal.Transactions > 0);

        static string Outside(IFileSystem files)
        {
            IInode numbers = files.Root.Find("/srv/disk/deep/er/../link"u8);
            FileStatus status = numbers.Status;
            return $"{Convert.ToHexStringLower(SHA256.HashData(numbers.ReadAll(1 << 20)))}\n{status.Ino} {status.Mode:x} {status.Size} {status.Mtime.Seconds}";
        }
    }

    [Fact]
    public async Task While_a_guest_writes_all_the_time_what_stands_still_is_read_each_time()
    {
        await using Guest guest = await Guest.StartAsync(new GuestOptions { Name = "disk" }, Cancellation);
        await using VirtualMachine vm = await guest.AttachAsync(Cancellation);
        await guest.Console.CheckAsync("mkdir -p /srv/busy && cd /srv/busy && seq 1000 >numbers && sync -f .", cancellation: Cancellation);
        await guest.Console.CheckAsync("cd /srv/busy && (while :; do mkdir x y; touch x/1 y/2; seq 3000 >x/3; sync x/3; rm -r x y; done >/dev/null 2>&1 &)", cancellation: Cancellation);
        await using DiskExport export = await DiskExport.StartAsync(vm.Qmp, Path.Combine(guest.Directory.DirectoryPath, "disks.sock"), Cancellation);
        using var disk = NbdDiskImage.Connect(export.SocketPath, Assert.Single(export.Disks).NodeName);
        byte[] numbers = [.. Enumerable.Range(1, 1000).SelectMany(number => System.Text.Encoding.ASCII.GetBytes($"{number}\n"))];

        var transactions = new HashSet<int>();
        long began = Stopwatch.GetTimestamp();
        while (transactions.Count < 6) // the guest has written so often meanwhile
        {
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromMinutes(1), "the guest does not write");
            byte[] read = DiskLook.Take(disk, files =>
            {
                transactions.Add(((Ext4FileSystem)files).Journal.Transactions);
                return files.Root.Find("/srv/busy/numbers"u8).ReadAll(1 << 20);
            });
            Assert.Equal(numbers, read);
        }
    }
}
