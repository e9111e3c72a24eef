using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;

namespace Watari.Disk.Images;

/// <summary>
/// The volumes of a disk, by its partition table: UEFI specification 2.10, chapter 5, and block/partitions/{msdos,efi}.c.
/// <code>
/// foreach (Volume volume in Volumes.Of(disk)) if (Ext4FileSystem.IsOn(volume)) ...
/// </code>
/// </summary>
public static class Volumes
{
    private const int Sector = 512;
    private const int MbrEntries = 446, MbrEntrySize = 16, MbrEntryCount = 4;
    private const ushort MbrSignature = 0xaa55;
    private const byte Protective = 0xee;
    private const int GptHeaderSize = 92;
    private const int GptEntrySize = 128;
    private const int MaxGptTable = 1 << 20;

    /// <summary>The partitions, in the table's order; the whole disk as one volume where there is no table.</summary>
    /// <exception cref="DiskStructureException">There is a table, and it is damaged.</exception>
    /// <exception cref="DiskImageException"/>
    public static IReadOnlyList<Volume> Of(IDiskImage disk, DiskLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(disk);
        limits ??= DiskLimits.Default;
        byte[] first = new byte[Sector];
        if (disk.Length >= Sector) disk.Read(0, first);
        if (!IsMbr(first, disk.Length)) return [new Volume(disk, PartitionScheme.None, 0, 0, disk.Length, "")];
        return HasProtectiveEntry(first) ? ReadGpt(disk, limits) : ReadMbr(disk, first, limits);
    }

    /// <summary>
    /// A file system without a table may have a boot sector with the same signature; its bytes there are seldom a table, too: each entry's flag
    /// is 0 or 0x80, one of them is used, and those begin behind the table and within the disk.
    /// </summary>
    private static bool IsMbr(ReadOnlySpan<byte> sector, long length)
    {
        if (sector.Le16(510) != MbrSignature) return false;
        bool used = false;
        for (int i = 0; i < MbrEntryCount; i++)
        {
            MbrEntry entry = MbrEntry.At(sector, i);
            if (entry.Flag is not (0 or 0x80)) return false;
            if (!entry.IsUsed) continue;
            if (entry.FirstSector == 0 || entry.FirstSector * (long)Sector >= length) return false;
            used = true;
        }

        return used;
    }

    private static bool HasProtectiveEntry(ReadOnlySpan<byte> sector)
    {
        for (int i = 0; i < MbrEntryCount; i++)
        {
            if (MbrEntry.At(sector, i).Type == Protective) return true;
        }

        return false;
    }

    private static List<Volume> ReadMbr(IDiskImage disk, ReadOnlySpan<byte> sector, DiskLimits limits)
    {
        List<Volume> volumes = [];
        int logical = MbrEntryCount;
        for (int i = 0; i < MbrEntryCount; i++)
        {
            MbrEntry entry = MbrEntry.At(sector, i);
            if (!entry.IsUsed) continue;
            if (entry.IsExtended) logical = ReadLogical(disk, entry.FirstSector, logical, volumes, limits);
            else Add(volumes, disk, PartitionScheme.Mbr, i + 1, entry.FirstSector, entry.Sectors, Sector, entry.TypeName);
        }

        return volumes;
    }

    /// <summary>A chain of boot records: the first entry of each is a partition that begins relative to the record, the second the next record, relative to the first.</summary>
    private static int ReadLogical(IDiskImage disk, uint extended, int number, List<Volume> volumes, DiskLimits limits)
    {
        byte[] sector = new byte[Sector];
        long record = extended;
        for (int records = 0; ; records++)
        {
            if (records == limits.Partitions) throw new DiskLimitException("extended boot records", nameof(DiskLimits.Partitions), limits.Partitions);
            if (record * Sector > disk.Length - Sector) throw new DiskStructureException($"extended boot record at sector {record}", "lies behind the end of the disk");
            disk.Read(record * Sector, sector);
            if (Endian.Le16(sector, 510) != MbrSignature) throw new DiskStructureException($"extended boot record at sector {record}", "has no signature");
            MbrEntry partition = MbrEntry.At(sector, 0), next = MbrEntry.At(sector, 1);
            if (partition.IsUsed) Add(volumes, disk, PartitionScheme.Mbr, ++number, record + partition.FirstSector, partition.Sectors, Sector, partition.TypeName);
            if (!next.IsUsed || !next.IsExtended) return number;
            record = extended + (long)next.FirstSector;
        }
    }

    private static List<Volume> ReadGpt(IDiskImage disk, DiskLimits limits)
    {
        // The header is in the second sector, and once more in the last; sectors have 512 bytes, or 4096.
        foreach (int sector in (int[])[Sector, 4096])
        {
            foreach (long header in (long[])[1, disk.Length / sector - 1])
            {
                if (TryReadGpt(disk, sector, header, limits) is { } volumes) return volumes;
            }
        }

        throw new DiskStructureException("GUID partition table", "neither of its headers is whole");
    }

    private static List<Volume>? TryReadGpt(IDiskImage disk, int sector, long at, DiskLimits limits)
    {
        byte[] bytes = new byte[sector];
        if (at < 1 || at > (disk.Length - sector) / sector) return null;
        disk.Read(at * sector, bytes);
        ReadOnlySpan<byte> header = bytes;
        if (!header.StartsWith("EFI PART"u8)) return null;
        uint size = header.Le32(12), sum = header.Le32(16), count = header.Le32(80), entrySize = header.Le32(84), tableSum = header.Le32(88);
        ulong table = header.Le64(72);
        if (size < GptHeaderSize || size > (uint)sector) return null;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), 0);
        if (Crc32.HashToUInt32(bytes.AsSpan(0, (int)size)) != sum) return null;
        if (entrySize < GptEntrySize || (ulong)count * entrySize > MaxGptTable || table > (ulong)(disk.Length / sector)) return null;

        byte[] entries = new byte[count * entrySize];
        if ((long)table * sector > disk.Length - entries.Length) return null;
        disk.Read((long)table * sector, entries);
        if (Crc32.HashToUInt32(entries) != tableSum) return null;

        List<Volume> volumes = [];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = entries.AsSpan(i * (int)entrySize, (int)entrySize);
            var type = new Guid(entry[..16]);
            if (type == Guid.Empty) continue;
            if (volumes.Count == limits.Partitions) throw new DiskLimitException("GUID partition table", nameof(DiskLimits.Partitions), limits.Partitions);
            ulong first = entry.Le64(32), last = entry.Le64(40);
            if (last < first || last >= long.MaxValue / (ulong)sector) throw new DiskStructureException($"entry {i} of the GUID partition table", "ends before it begins");
            Add(volumes, disk, PartitionScheme.Gpt, i + 1, (long)first, (long)(last - first) + 1, sector, type.ToString());
        }

        return volumes;
    }

    private static void Add(List<Volume> volumes, IDiskImage disk, PartitionScheme scheme, int number, long first, long sectors, int sector, string type)
    {
        long whole = disk.Length / sector;
        if (first >= whole || sectors > whole - first) throw new DiskStructureException($"partition {number}", "does not lie within the disk");
        volumes.Add(new Volume(disk, scheme, number, first * sector, sectors * sector, type));
    }

    private readonly record struct MbrEntry(byte Flag, byte Type, uint FirstSector, uint Sectors)
    {
        public bool IsUsed => Type != 0 && Sectors != 0;

        public bool IsExtended => Type is 0x05 or 0x0f or 0x85;

        public string TypeName => string.Create(CultureInfo.InvariantCulture, $"0x{Type:x2}");

        public static MbrEntry At(ReadOnlySpan<byte> sector, int index)
        {
            ReadOnlySpan<byte> entry = sector.Slice(MbrEntries + index * MbrEntrySize, MbrEntrySize);
            return new MbrEntry(entry[0], entry[4], entry.Le32(8), entry.Le32(12));
        }
    }
}
