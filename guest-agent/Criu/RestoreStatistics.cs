using System.Buffers.Binary;

namespace Watari.GuestAgent.Criu;

/// <summary>CRIU's own figures of a restore: restore_stats_entry of images/stats.proto, in the file stats-restore (magics 0x55105940 and 0x57093306, one entry).</summary>
/// <param name="Forking">forking_time in milliseconds.</param>
/// <param name="Restore">restore_time in milliseconds.</param>
/// <param name="PagesRestored">pages_restored.</param>
internal readonly record struct RestoreStatistics(double Forking, double Restore, long PagesRestored)
{
    public const string FileName = "stats-restore";

    private const uint ImageMagic = 0x55105940, StatsMagic = 0x57093306;

    /// <summary>The figures, or zeros where CRIU left none.</summary>
    public static RestoreStatistics Read(string workDirectory)
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(Path.Combine(workDirectory, FileName));
        }
        catch (IOException)
        {
            return default;
        }
        if (file.Length < 12 || BinaryPrimitives.ReadUInt32LittleEndian(file) != ImageMagic || BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(4)) != StatsMagic)
            return default;
        int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(8));
        return length < 0 || length > file.Length - 12 ? default : Parse(file.AsSpan(12, length));
    }

    private static RestoreStatistics Parse(ReadOnlySpan<byte> entry)
    {
        RestoreStatistics statistics = default;
        ProtoReader fields = new(entry);
        while (fields.TryRead(out ProtoField field))
        {
            if (field.Id != 2)
                continue;
            ProtoReader restore = new(field.Bytes);
            while (restore.TryRead(out ProtoField figure))
            {
                statistics = figure.Id switch
                {
                    3 => statistics with { Forking = figure.Number / 1000.0 },
                    4 => statistics with { Restore = figure.Number / 1000.0 },
                    5 => statistics with { PagesRestored = (long)figure.Number },
                    _ => statistics,
                };
            }
        }
        return statistics;
    }
}
