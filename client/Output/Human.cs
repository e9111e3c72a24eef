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

    public static string Ago(DateTimeOffset then, DateTimeOffset now) => $"{Span(now - then)} ago";

    public static string Span(TimeSpan span) => span switch
    {
        { TotalSeconds: < 60 } => $"{Math.Max(0, (int)span.TotalSeconds)} s",
        { TotalMinutes: < 60 } => $"{(int)span.TotalMinutes} min",
        { TotalHours: < 48 } => $"{(int)span.TotalHours} h",
        _ => $"{(int)span.TotalDays} days",
    };

    /// <summary>"1.25%"; "--" for what is not known, as docker stats has it.</summary>
    public static string Percent(double? value) => value is { } known ? $"{known.ToString("F2", CultureInfo.InvariantCulture)}%" : "--";

    public static string Number(double value, int digits)
    {
        string text = value.ToString($"F{digits}", CultureInfo.InvariantCulture);
        return digits > 0 ? text.TrimEnd('0').TrimEnd('.') : text;
    }
}
