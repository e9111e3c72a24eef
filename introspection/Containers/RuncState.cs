using System.Text.Json;
using Watari.Introspection.Fs;
using Watari.Introspection.Tasks;

namespace Watari.Introspection.Containers;

/// <summary>What runc keeps of a container in <c>/run/runc/ID/state.json</c>: a file of tmpfs, so all of it is in guest memory.</summary>
/// <param name="Bundle">The directory with config.json.</param>
/// <param name="RootFileSystem">The directory that became the container's root.</param>
public sealed record RuncState(string? Bundle, string? RootFileSystem)
{
    private const string BundleLabel = "bundle=";

    /// <summary>Null where there is no such file, or it is not what runc writes: another runtime's container, or one just being made.</summary>
    public static RuncState? TryRead(GuestKernel kernel, string id)
    {
        if (id.Length == 0 || !kernel.TryFindProcess(1, out TaskStruct first)) return null;
        try
        {
            if (!NameLookup.TryLookup(first.Fs.Value.Root, first.Nsproxy.Value.MntNs.Value, $"/run/runc/{id}/state.json", out DentryStruct name)) return null;
            return Parse(name.DInode.Value.ReadAll(kernel.Limits.FileBytes));
        }
        catch (IntrospectionException)
        {
            return null;
        }
    }

    internal static RuncState? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 64 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("config", out JsonElement config)
                || config.ValueKind != JsonValueKind.Object)
            {
                return null;
            }

            string? root = config.TryGetProperty("rootfs", out JsonElement rootfs) && rootfs.ValueKind == JsonValueKind.String ? rootfs.GetString() : null;
            string? bundle = config.TryGetProperty("labels", out JsonElement labels) && labels.ValueKind == JsonValueKind.Array
                ? labels.EnumerateArray().Select(label => label.ValueKind == JsonValueKind.String ? label.GetString() : null)
                    .FirstOrDefault(label => label?.StartsWith(BundleLabel, StringComparison.Ordinal) == true)?[BundleLabel.Length..]
                : null;
            return new RuncState(bundle, root);
        }
        // Text that is no text (half of a surrogate pair) is an InvalidOperationException of the reader's.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
