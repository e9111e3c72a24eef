namespace Watari.Grains.Hosts;

/// <summary>
/// Memory that jobs on their way into this host's VMs will need: the guest tells what is free now, and not that two jobs were promised
/// the same. Counted from the preparation, or from when a restore knows its size, until the container runs or is cleaned away; what has arrived by then is counted twice.
/// </summary>
internal sealed class Reservations
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Vm, long Bytes)> _byJob = new(StringComparer.Ordinal);

    /// <summary>Bytes that others than this job have been promised.</summary>
    public long OfOthers(string vm, string job)
    {
        lock (_gate) return _byJob.Where(r => r.Value.Vm == vm && r.Key != job).Sum(r => r.Value.Bytes);
    }

    /// <returns>Bytes that others have been promised: of two that reserve at once, one sees the other.</returns>
    public long Reserve(string vm, string job, long bytes)
    {
        lock (_gate)
        {
            _byJob[job] = (vm, bytes);
            return OfOthers(vm, job);
        }
    }

    public void Release(string job)
    {
        lock (_gate) _byJob.Remove(job);
    }
}
