using System.Globalization;

namespace Watari.Benchmarks.Silo;

/// <summary>The memory of a silo's process that is its own, guest RAM left out: what an operator pays for it.</summary>
internal static class SiloMemory
{
    private const string GuestRam = "/memfd:memory-backend-memfd";

    /// <summary>Resident megabytes (10⁶) of all mappings but those of guest RAM (/proc/PID/smaps).</summary>
    public static double Beyond(int process)
    {
        long kilobytes = 0;
        bool counts = false;
        foreach (string line in File.ReadLines($"/proc/{process}/smaps"))
        {
            // A mapping's first line is "START-END PERMISSIONS OFFSET DEVICE INODE PATH"; facts follow, as "Rss:  12 kB".
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            if (line.AsSpan(0, Math.Max(0, line.IndexOf(' ', StringComparison.Ordinal))).Contains('-')) counts = !line.Contains(GuestRam, StringComparison.Ordinal);
            else if (counts && line.AsSpan(0, Math.Max(0, colon)).SequenceEqual("Rss")) kilobytes += Kilobytes(line);
        }
        return kilobytes * 1024 / 1e6;
    }

    /// <summary>Megabytes (10⁶) of memory that is no file's (/proc/PID/status); cheap enough to be asked often.</summary>
    public static double Anonymous(int process) =>
        Kilobytes(File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith("RssAnon:", StringComparison.Ordinal))) * 1024 / 1e6;

    private static long Kilobytes(string line) => long.Parse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1, line.Length - line.IndexOf(':', StringComparison.Ordinal) - 3).Trim(), CultureInfo.InvariantCulture);
}
