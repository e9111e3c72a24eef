namespace Watari.Disk.Ext4;

/// <summary>How often a structure is read again whose checksum does not fit: it is damaged, or its VM changes it just now.</summary>
internal sealed class TornReads(DiskLimits limits)
{
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(1);

    private long _steps = (long)(limits.TornPatience / s_step);

    /// <summary>Whether to read once more; some while later, once that many attempts have failed at once.</summary>
    /// <param name="attempt">Counted from 1, of this structure.</param>
    public bool Again(int attempt)
    {
        if (attempt < limits.Attempts) return true;
        if (Interlocked.Decrement(ref _steps) < 0) return false;
        Thread.Sleep(s_step); // nobody tells when the VM has gone on
        return true;
    }
}
