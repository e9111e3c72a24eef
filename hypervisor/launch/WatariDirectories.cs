namespace Watari.Hypervisor;

/// <summary>Where Watari keeps what runs and what can be made again.</summary>
public static class WatariDirectories
{
    /// <summary>${WATARI_RUN:-/run/watari}: sockets, overlays and pids of what runs now.</summary>
    public static string Run => Of("WATARI_RUN", "/run/watari");

    /// <summary>${WATARI_CACHE:-/var/cache/watari}: images and saved states; may be deleted at any time when nothing runs.</summary>
    public static string Cache => Of("WATARI_CACHE", "/var/cache/watari");

    private static string Of(string variable, string otherwise) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } chosen ? Path.GetFullPath(chosen) : otherwise;
}
