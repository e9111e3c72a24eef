using Watari.Checkpoint.Verdicts;
using Watari.GrainInterfaces.Model;
using VerdictKind = Watari.Checkpoint.Verdicts.VerdictKind;

namespace Watari.Silo.Engine.Migration;

/// <summary>A verdict in the words of the control plane.</summary>
internal static class VerdictReports
{
    public static ObjectVerdict ForReport(this Verdict verdict) => new(
        verdict.Kind switch
        {
            VerdictKind.Refused => GrainInterfaces.Model.VerdictKind.Refused,
            VerdictKind.CarriedWithHelp => GrainInterfaces.Model.VerdictKind.CarriedWithHelp,
            _ => GrainInterfaces.Model.VerdictKind.Carried,
        },
        verdict.Subject,
        verdict.Reason);
}
