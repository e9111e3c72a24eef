using System.Diagnostics;
using Watari.Disk.Images;
using Watari.Disk.Tests.Corpus;

namespace Watari.Disk.Tests.Images;

/// <summary>Partition tables as sfdisk(8) writes them.</summary>
public sealed class VolumesTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_disk_without_a_table_is_one_volume()
    {
        using TestVolume disk = TestVolume.Make(4, "-t ext4");

        Volume whole = Assert.Single(Volumes.Of(disk.Open()));

        Assert.Equal((PartitionScheme.None, 0, 0L, 4 * MiB), (whole.Scheme, whole.Number, whole.Offset, whole.Length));
    }

    [Fact]
    public void Partitions_of_a_GUID_table()
    {
        using TestVolume disk = Partitioned("label: gpt\n,2M,U\n,3M,L\n");

        AssertVolumes(disk, PartitionScheme.Gpt,
            (1, MiB, 2 * MiB, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"), (2, 3 * MiB, 3 * MiB, "0fc63daf-8483-4772-8e79-3d69d8477de4"));
    }

    [Fact]
    public void A_GUID_table_whose_first_header_is_damaged_is_read_from_its_copy()
    {
        using TestVolume disk = Partitioned("label: gpt\n,2M,L\n");
        Write(disk, 512 + 40, 0xff);

        AssertVolumes(disk, PartitionScheme.Gpt, (1, MiB, 2 * MiB, "0fc63daf-8483-4772-8e79-3d69d8477de4"));
    }

    [Fact]
    public void A_GUID_table_without_a_whole_header_is_told()
    {
        using TestVolume disk = Partitioned("label: gpt\n,2M,L\n");
        Write(disk, 512 + 40, 0xff);
        Write(disk, 16 * MiB - 512 + 40, 0xff);

        Assert.Equal("GUID partition table", Assert.Throws<DiskStructureException>(() => Volumes.Of(disk.Open())).Structure);
    }

    [Fact]
    public void Partitions_of_a_master_boot_record_and_logical_ones()
    {
        using TestVolume disk = Partitioned("label: dos\n1: size=2M,type=83\n2: size=8M,type=5\n3: size=1M,type=82\n5: size=2M,type=83\n6: size=1M,type=83\n");

        AssertVolumes(disk, PartitionScheme.Mbr, (1, MiB, 2 * MiB, "0x83"), (5, 4 * MiB, 2 * MiB, "0x83"), (6, 7 * MiB, MiB, "0x83"), (3, 11 * MiB, MiB, "0x82"));
    }

    [Fact]
    public void Boot_records_that_lead_in_a_circle_are_bounded()
    {
        using TestVolume disk = Partitioned("label: dos\n1: size=8M,type=5\n5: size=2M,type=83\n6: size=1M,type=83\n");
        Write(disk, MiB + 446 + 16 + 8, 0, 0, 0, 0); // the second record is the first

        Assert.Equal(nameof(DiskLimits.Partitions), Assert.Throws<DiskLimitException>(() => Volumes.Of(disk.Open())).Limit);
    }

    [Fact]
    public void A_partition_outside_of_the_disk_is_told()
    {
        using TestVolume disk = Partitioned("label: dos\n,8M,L\n");
        Write(disk, 446 + 12, 0xff, 0xff, 0xff, 0x7f);

        Assert.Equal("partition 1", Assert.Throws<DiskStructureException>(() => Volumes.Of(disk.Open())).Structure);
    }

    [Fact]
    public void A_volume_ends_where_it_ends()
    {
        using TestVolume disk = Partitioned("label: gpt\n,2M,L\n,3M,L\n");
        Write(disk, 3 * MiB - 1, 1, 2);
        Volume first = Volumes.Of(disk.Open())[0];
        byte[] bytes = new byte[2];

        first.Read(first.Length - 2, bytes);

        Assert.Equal([0, 1], bytes);
        Assert.Throws<DiskImageException>(() => first.Read(first.Length - 1, bytes));
        Assert.Throws<DiskImageException>(() => first.Read(-1, bytes));
        Assert.Throws<DiskImageException>(() => first.Read(long.MaxValue, bytes));
    }

    private static void AssertVolumes(TestVolume disk, PartitionScheme scheme, params (int, long, long, string)[] expected)
    {
        IReadOnlyList<Volume> volumes = Volumes.Of(disk.Open());

        Assert.Equal(expected, volumes.Select(volume => (volume.Number, volume.Offset, volume.Length, volume.Type)));
        Assert.All(volumes, volume => Assert.Equal(scheme, volume.Scheme));
    }

    private static TestVolume Partitioned(string table)
    {
        TestVolume disk = TestVolume.Make(16, "-t ext2");
        using Process sfdisk = Process.Start(new ProcessStartInfo("sfdisk", ["-q", "--wipe", "always", disk.Path]) { RedirectStandardInput = true, RedirectStandardError = true })!;
        sfdisk.StandardInput.Write(table);
        sfdisk.StandardInput.Close();
        string errors = sfdisk.StandardError.ReadToEnd();
        sfdisk.WaitForExit();
        Assert.True(sfdisk.ExitCode == 0, errors);
        return disk;
    }

    private static void Write(TestVolume disk, long at, params byte[] bytes)
    {
        using FileStream file = disk.OpenToSpoil();
        file.Position = at;
        file.Write(bytes);
    }
}
