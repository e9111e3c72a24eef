using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Engine;

internal static class Verdicts
{
    /// <returns>The plan, if nothing in it is refused.</returns>
    /// <exception cref="EngineException"><see cref="FailureKind.Refused"/>: the workload holds what cannot be carried; the message names each.</exception>
    public static SourcePlan Accepted(this SourcePlan plan, WorkloadId workload)
    {
        if (!plan.IsRefused) return plan;
        string objections = string.Join("; ", plan.Objections.Where(o => o.Kind == VerdictKind.Refused).Select(o => $"{o.Subject}: {o.Reason}"));
        throw new EngineException(FailureKind.Refused, $"{workload} holds what cannot be carried: {objections}.");
    }
}
