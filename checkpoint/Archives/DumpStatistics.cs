using Watari.Checkpoint.Images;
using Watari.Checkpoint.Images.Proto;

namespace Watari.Checkpoint.Archives;

/// <summary>What the saving of a container took: CRIU's own figures (images/stats.proto).</summary>
/// <param name="Freezing">Until all threads stood still.</param>
/// <param name="Frozen">While they did.</param>
/// <param name="MemDump">Reading the memory.</param>
/// <param name="MemWrite">Writing it.</param>
public readonly record struct DumpStatistics(TimeSpan Freezing, TimeSpan Frozen, TimeSpan MemDump, TimeSpan MemWrite, ulong Pages)
{
    /// <summary>A stats-dump.</summary>
    public byte[] ToImage() => CriuImageWriter.Write(CriuImageKinds.DumpStats, new StatsEntry
    {
        Dump = new DumpStatsEntry
        {
            FreezingTime = Microseconds(Freezing),
            FrozenTime = Microseconds(Frozen),
            MemdumpTime = Microseconds(MemDump),
            MemwriteTime = Microseconds(MemWrite),
            PagesScanned = Pages,
            PagesSkippedParent = 0,
            PagesWritten = Pages,
            PagesLazy = 0,
        },
    });

    private static uint Microseconds(TimeSpan time) => (uint)Math.Clamp(time.TotalMicroseconds, 0, uint.MaxValue);
}
