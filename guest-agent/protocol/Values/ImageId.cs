using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>The id of a container image in podman's store: 64 hexadecimal digits in lower case, the hash of the image's configuration.</summary>
[JsonConverter(typeof(ImageIdConverter))]
public readonly record struct ImageId
{
    private const int Length = 64;

    private readonly string? value;

    private ImageId(string value) => this.value = value;

    /// <exception cref="FormatException">It is not 64 hexadecimal digits.</exception>
    public static ImageId Parse(string text) =>
        TryParse(text, out ImageId id) ? id : throw new FormatException($"'{Names.Quote(text)}' is no image id: {Length} hexadecimal digits.");

    public static bool TryParse([NotNullWhen(true)] string? text, out ImageId id)
    {
        bool good = text?.Length == Length && text.All(char.IsAsciiHexDigitLower);
        id = good ? new ImageId(text!) : default;
        return good;
    }

    public override string ToString() => value ?? "";
}
