using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Engine;

/// <summary>
/// What descriptions take of a message, in characters: guests write most of them, and a message has room for no more than 100 MB (Orleans'
/// MaxMessageBodySize), of which a character takes three bytes at most.
/// </summary>
public static class MessageSize
{
    private const int Beside = 64, Around = 4; // numbers and times; of a text, its length and type
    private const int ShortName = 128;

    public static long Characters(this ContainerDescription container)
    {
        ArgumentNullException.ThrowIfNull(container);
        return Beside
            + Of(container.Id, container.Name, container.Vm.Host, container.Vm.Vm, container.Runtime, container.CgroupPath, container.Command, container.Contradiction, container.DockerRow, container.PodmanRow)
            + (container.Details is { } details ? Characters(details) : 0);
    }

    public static long Characters(this ImageDescription image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Beside + Of(image.Vm.Host, image.Vm.Vm, image.Runtime, image.Repository, image.Tag, image.Id);
    }

    /// <summary>With what identifies it, and what it does, alone.</summary>
    public static ContainerDescription Shortened(this ContainerDescription container)
    {
        ArgumentNullException.ThrowIfNull(container);
        return container with { Name = Cut(container.Name, ShortName), CgroupPath = "", Command = "", Details = null, DockerRow = null, PodmanRow = null };
    }

    /// <summary>A text as it is, or its beginning.</summary>
    public static string Cut(string text, int most)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length <= most) return text;
        return $"{text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)]}…";
    }

    private static long Characters(ContainerDetails details) =>
        Beside + Of([.. details.Names]) + Of([.. details.Command]) + Of([.. details.Networks]) + Of([.. details.Unreadable])
        + Of(details.Image, details.ImageId, details.Health, details.RestartPolicy, details.LogPath, details.LogDriver, details.Bundle, details.OciRuntime, details.Pod)
        + details.Labels.Sum(label => Of(label.Key, label.Value))
        + details.Mounts.Sum(mount => Beside + Of(mount.Type, mount.Name, mount.Source, mount.Destination, mount.Driver))
        + details.Ports.Sum(port => Beside + Of(port.HostAddress, port.Protocol))
        + (details.Overlay is { } overlay ? Of([.. overlay.Lower]) + Of(overlay.Upper, overlay.Work, overlay.Merged) : 0);

    private static long Of(params ReadOnlySpan<string?> texts)
    {
        long characters = 0;
        foreach (string? text in texts) characters += Around + (text?.Length ?? 0);
        return characters;
    }
}
