using Watari.Disk.FileSystems;

namespace Watari.Containers.Root;

/// <summary>What overlay writes down of a file in a layer (fs/overlayfs/overlayfs.h).</summary>
/// <param name="IsOpaque">Of a directory: nothing of the layers below is seen in it.</param>
/// <param name="Redirect">Of a directory: what it is called in the layers below, a name or a path from their root; else null.</param>
/// <param name="IsMetacopy">Of a regular file: what is in it is in a layer below.</param>
internal readonly record struct OverlayAttributes(bool IsOpaque, ReadOnlyMemory<byte>? Redirect, bool IsMetacopy)
{
    // Not user.overlay.*, which anybody in the container may write: it counts only where an overlay was mounted by a user's own namespace.
    private static ReadOnlySpan<byte> Prefix => "trusted.overlay."u8;

    internal static OverlayAttributes Of(IInode inode)
    {
        OverlayAttributes found = default;
        foreach (ExtendedAttribute attribute in inode.ReadExtendedAttributes())
        {
            if (!IsOverlays(attribute.Name)) continue;
            ReadOnlySpan<byte> name = attribute.Name.Bytes[Prefix.Length..];
            if (name.SequenceEqual("opaque"u8)) found = found with { IsOpaque = attribute.Value.Span.SequenceEqual("y"u8) };
            else if (name.SequenceEqual("redirect"u8)) found = found with { Redirect = attribute.Value };
            else if (name.SequenceEqual("metacopy"u8)) found = found with { IsMetacopy = true };
        }

        return found;
    }

    internal static bool IsOverlays(FileName name) => name.Bytes.StartsWith(Prefix);

    /// <summary>A file that says that there is none of this name in the layers below.</summary>
    internal static bool IsWhiteout(FileStatus status) => status.Type == FileType.CharacterDevice && status.Rdev == default;
}
