namespace Watari.Checkpoint.Images;

/// <summary>An image is not what its name says, is damaged, or goes beyond the limits.</summary>
public sealed class CriuImageException(string image, string reason, Exception? cause = null)
    : IOException($"{image}: {reason}", cause)
{
    /// <summary>Name of the file.</summary>
    public string Image { get; } = image;

    public string Reason { get; } = reason;
}
