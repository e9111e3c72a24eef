using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Migrations;

/// <summary>
/// The downtime from the engines' phases: from the start of <c>freeze</c> on the source's clock to the end of <c>thaw</c> on the
/// destination's. Two hosts' clocks may differ, so the job's own measure (command to freeze until answer to thaw, one clock) bounds it.
/// </summary>
internal static class DowntimeClock
{
    /// <returns>Null: there was no freeze or no thaw.</returns>
    public static Downtime? Between(IReadOnlyList<PhaseTiming> phases, TimeSpan atMost)
    {
        PhaseTiming? freeze = phases.FirstOrDefault(p => p.Name == "freeze");
        PhaseTiming? thaw = phases.LastOrDefault(p => p.Name == "thaw");
        if (freeze is null || thaw is null) return null;
        double total = (End(thaw) - freeze.Start).TotalMilliseconds;
        if (total <= 0 || total > atMost.TotalMilliseconds) total = atMost.TotalMilliseconds;
        List<PhaseTiming> parts = [.. phases.SkipWhile(p => p != freeze)];
        double control = total - Covered(parts);
        if (control > 0) parts.Add(new PhaseTiming("control", freeze.Start, control));
        return new Downtime(total, [.. parts]);
    }

    /// <summary>Milliseconds in which at least one phase ran: phases on two hosts may overlap.</summary>
    private static double Covered(IEnumerable<PhaseTiming> phases)
    {
        double covered = 0;
        DateTimeOffset until = DateTimeOffset.MinValue;
        foreach (PhaseTiming phase in phases.OrderBy(p => p.Start))
        {
            DateTimeOffset from = phase.Start > until ? phase.Start : until;
            if (End(phase) <= from) continue;
            covered += (End(phase) - from).TotalMilliseconds;
            until = End(phase);
        }

        return covered;
    }

    private static DateTimeOffset End(PhaseTiming phase) => phase.Start.AddMilliseconds(phase.Milliseconds);
}
