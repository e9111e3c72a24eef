using System.Globalization;

namespace Watari.Containers.Listing;

/// <summary>A length of time in words, as Docker and podman have it (docker/go-units HumanDuration).</summary>
public static class HumanDuration
{
    /// <param name="time">Cut to whole seconds; one that is negative, where clocks differ, is less than a second.</param>
    public static string Of(TimeSpan time) => Math.Floor(time.TotalSeconds) switch
    {
        < 1 => "Less than a second",
        < 2 => "1 second",
        < 60 and var seconds => Text(seconds, "seconds"),
        < 120 => "About a minute",
        < 3600 => Text(time.TotalMinutes, "minutes"),
        _ => Math.Floor(time.TotalHours + 0.5) switch
        {
            1 => "About an hour",
            < 48 and var hours => Text(hours, "hours"),
            < 24 * 7 * 2 and var hours => Text(hours / 24, "days"),
            < 24 * 30 * 2 and var hours => Text(hours / 24 / 7, "weeks"),
            < 24 * 365 * 2 and var hours => Text(hours / 24 / 30, "months"),
            _ => Text(Math.Floor(time.TotalHours) / 24 / 365, "years"),
        },
    };

    private static string Text(double count, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(count)} {unit}");
}
