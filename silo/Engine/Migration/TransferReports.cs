using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Migration;

/// <summary>The transfer's own statistics as they are reported.</summary>
internal static class TransferReports
{
    public static TransferStatistics ForReport(this Transfer.TransferStatistics statistics) =>
        new(statistics.Total, statistics.Transferred, statistics.Normal.Value, statistics.Duplicate.Value, statistics.Remaining);
}
