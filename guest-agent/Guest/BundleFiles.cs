using System.Text.Json;
using Watari.GuestAgent.Native;
using Watari.GuestAgent.Protocol;

namespace Watari.GuestAgent.Guest;

/// <summary>An OCI bundle's directory: config.json and the root file system that it names.</summary>
/// <param name="Path">The bundle's directory.</param>
/// <param name="Cgroup">Where runc will put its container, below /sys/fs/cgroup; null: runc's own choice.</param>
internal sealed record BundleFiles(string Path, string? Cgroup)
{
    public const string Directory = "/var/lib/watari/bundles";

    private const int MostBundles = 256;

    /// <exception cref="AgentException">no-image: what is missing.</exception>
    public static BundleFiles Open(string path)
    {
        if (path is not ['/', ..] || path.Contains('\0', StringComparison.Ordinal) || path.Split('/').Contains(".."))
            throw new AgentException(new AgentError(AgentErrorCode.BadRequest, "A bundle is named by the absolute path of its directory."));
        string text = KernelFile.TryReadText(path + "/config.json") ?? throw NoImage($"there is no {path}/config.json");
        try
        {
            using JsonDocument config = JsonDocument.Parse(text);
            string root = config.RootElement.GetProperty("root").GetProperty("path").GetString() ?? "";
            string rootfs = System.IO.Path.Combine(path, root);
            if (!System.IO.Directory.Exists(rootfs) || !System.IO.Directory.EnumerateFileSystemEntries(rootfs).Any())
                throw NoImage($"the root file system {rootfs} is missing or empty");
            string? cgroup = config.RootElement.TryGetProperty("linux", out JsonElement linux) && linux.TryGetProperty("cgroupsPath", out JsonElement cgroupsPath) ? cgroupsPath.GetString() : null;
            return new BundleFiles(path, string.IsNullOrEmpty(cgroup) ? null : "/" + cgroup.Trim('/'));
        }
        catch (Exception unreadable) when (unreadable is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw NoImage($"{path}/config.json cannot be read: {unreadable.Message}");
        }
    }

    public static IReadOnlyList<Bundle> All()
    {
        if (!System.IO.Directory.Exists(Directory))
            return [];
        return [.. System.IO.Directory.EnumerateDirectories(Directory).Order(StringComparer.Ordinal).Take(MostBundles).Select(path => new Bundle(path, IsComplete(path)))];
    }

    private static bool IsComplete(string path)
    {
        try
        {
            Open(path);
            return true;
        }
        catch (AgentException)
        {
            return false;
        }
    }

    private static AgentException NoImage(string what) =>
        new(new AgentError(AgentErrorCode.NoImage, $"The container's image is not in this guest: {what}. Put the bundle there first."));
}
