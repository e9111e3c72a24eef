namespace Watari.Transfer;

/// <summary>
/// The fencing epoch of a job: it grows each time the job is taken up anew, and whoever holds an older one is refused.
/// </summary>
public readonly record struct Epoch(long Value) : IComparable<Epoch>
{
    public int CompareTo(Epoch other) => Value.CompareTo(other.Value);

    public static bool operator <(Epoch left, Epoch right) => left.Value < right.Value;

    public static bool operator >(Epoch left, Epoch right) => left.Value > right.Value;

    public static bool operator <=(Epoch left, Epoch right) => left.Value <= right.Value;

    public static bool operator >=(Epoch left, Epoch right) => left.Value >= right.Value;

    public override string ToString() => $"epoch {Value}";
}
