using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>The name by which podman finds an image, as localhost/redis:latest: letters, digits and ./:@_-, 1 to 512, the first a letter or a digit, so that it is no option.</summary>
[JsonConverter(typeof(ImageReferenceConverter))]
public readonly record struct ImageReference
{
    private const int MaxLength = 512;

    private readonly string? value;

    private ImageReference(string value) => this.value = value;

    /// <exception cref="FormatException">No image is called so.</exception>
    public static ImageReference Parse(string text) =>
        TryParse(text, out ImageReference name) ? name : throw new FormatException($"'{Names.Quote(text)}' is no name of an image: 1 to {MaxLength} of [A-Za-z0-9./:@_-], the first a letter or a digit.");

    public static bool TryParse([NotNullWhen(true)] string? text, out ImageReference name)
    {
        bool good = text?.Length is > 0 and <= MaxLength && char.IsAsciiLetterOrDigit(text[0]) && text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '/' or ':' or '@' or '_' or '-');
        name = good ? new ImageReference(text!) : default;
        return good;
    }

    public override string ToString() => value ?? "";
}
