namespace Watari.Containers.Stores;

/// <summary>Times as Go's programs write them: RFC 3339, and for a time that never was the first moment of the year 1.</summary>
internal static class GoTime
{
    internal static DateTimeOffset? OrNull(DateTimeOffset? time) => time is { } known && known.UtcDateTime != DateTime.MinValue ? known : null;
}
