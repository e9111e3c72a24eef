using System.Globalization;

namespace Watari.Client.Output;

/// <summary>Figures as people read them.</summary>
internal static class Human
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    public static string Bytes(long bytes)
    {
        double value = bytes;
        int unit = 0;
        while (value >= 1024 && unit < Units.Length - 1)
        {
            value /= 1024;
            unit++;
        }

        return unit == 0 || value >= 100 ? $"{Number(value, 0)} {Units[unit]}" : $"{Number(value, value >= 10 ? 0 : 1)} {Units[unit]}";
    }

    public static string Milliseconds(double milliseconds) => Number(milliseconds, milliseconds < 10 ? 1 : 0);

    public static string Seconds(TimeSpan time) => $"{Number(time.TotalSeconds, 1)} s";

    public static string Ago(DateTimeOffset then, DateTimeOffset now) => (now - then) switch
    {
        { TotalSeconds: < 60 } span => $"{Math.Max(0, (int)span.TotalSeconds)} s ago",
        { TotalMinutes: < 60 } span => $"{(int)span.TotalMinutes} min ago",
        { TotalHours: < 48 } span => $"{(int)span.TotalHours} h ago",
        var span => $"{(int)span.TotalDays} days ago",
    };

    public static string Number(double value, int digits)
    {
        string text = value.ToString($"F{digits}", CultureInfo.InvariantCulture);
        return digits > 0 ? text.TrimEnd('0').TrimEnd('.') : text;
    }
}
