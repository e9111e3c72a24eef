namespace Watari.Transfer;

/// <summary>The migration that a stream belongs to; the same value that the job has in the control plane.</summary>
public readonly record struct JobId(Guid Value)
{
    public static JobId New() => new(Guid.NewGuid());

    public override string ToString() => Value.ToString("D");
}
