using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>The name of one file of a CRIU image set, as "pages-1.img" or "descriptors.json": a plain name, never a path.</summary>
[JsonConverter(typeof(ImageNameConverter))]
public readonly record struct ImageName
{
    private readonly string? value;

    private ImageName(string value) => this.value = value;

    /// <exception cref="FormatException">The name is a path, is hidden, or is too long.</exception>
    public static ImageName Parse(string text) =>
        TryParse(text, out ImageName name) ? name : throw new FormatException($"'{Names.Quote(text)}' is no image name: 1 to 128 of [A-Za-z0-9._-], the first a letter or a digit.");

    public static bool TryParse([NotNullWhen(true)] string? text, out ImageName name)
    {
        bool good = Names.IsPlain(text, 128);
        name = good ? new ImageName(text!) : default;
        return good;
    }

    public override string ToString() => value ?? "";
}
