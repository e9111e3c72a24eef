namespace Watari.Transfer.Receiving;

/// <summary>A list of runs that grows by joining where it can. Filled by one thread.</summary>
internal sealed class RunIndex
{
    private StoredRun[] _runs = new StoredRun[256];

    public int Count { get; private set; }

    public ReadOnlySpan<StoredRun> Runs => _runs.AsSpan(0, Count);

    /// <returns>Whether a new entry was needed.</returns>
    public bool Add(in StoredRun run)
    {
        if (Count > 0 && _runs[Count - 1].IsContinuedBy(run))
        {
            _runs[Count - 1] = _runs[Count - 1].Joined(run);
            return false;
        }
        if (Count == _runs.Length) Array.Resize(ref _runs, Count * 2);
        _runs[Count++] = run;
        return true;
    }
}
