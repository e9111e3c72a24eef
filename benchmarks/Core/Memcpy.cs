namespace Watari.Benchmarks.Core;

/// <summary>What memory can do at best: one thread that copies from memory to memory, both present.</summary>
internal static class Memcpy
{
    public static double GigabytesPerSecond(long bytes)
    {
        using NativeBuffer from = new(checked((int)bytes));
        using NativeBuffer to = new(from.Length);
        from.Span.Fill(1);
        to.Span.Clear();
        return bytes / 1e9 / Rounds.Time(() => from.Span.CopyTo(to.Span)).TotalSeconds;
    }
}
