using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>The fencing epoch of a job's owner. Who takes a job over raises it; the agent refuses every command of a lower one than it has seen for the job.</summary>
[JsonConverter(typeof(FencingEpochConverter))]
public readonly record struct FencingEpoch(ulong Value) : IComparable<FencingEpoch>
{
    public int CompareTo(FencingEpoch other) => Value.CompareTo(other.Value);

    public static bool operator <(FencingEpoch left, FencingEpoch right) => left.Value < right.Value;

    public static bool operator >(FencingEpoch left, FencingEpoch right) => left.Value > right.Value;

    public static bool operator <=(FencingEpoch left, FencingEpoch right) => left.Value <= right.Value;

    public static bool operator >=(FencingEpoch left, FencingEpoch right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
