using System.Diagnostics.CodeAnalysis;

namespace Watari.Containers;

/// <summary>
/// What a runtime calls a container. Only what is one can become part of a path: it holds no slash, no dots alone, no control characters.
/// </summary>
public readonly record struct ContainerId
{
    private const int FullLength = 64;
    private const int MaxLength = 255; // NAME_MAX; runc and containerd take shorter ones

    private readonly string? _text;

    private ContainerId(string text) => _text = text;

    /// <summary>Docker's and podman's: 64 lower-case hexadecimal digits.</summary>
    public static bool TryParseFull([NotNullWhen(true)] string? text, out ContainerId id)
    {
        id = default;
        if (text is not { Length: FullLength } || !text.All(char.IsAsciiHexDigitLower)) return false;
        id = new ContainerId(text);
        return true;
    }

    /// <summary>Runc's and containerd's, chosen by people: letters, digits, and - + . _ (libcontainer/factory_linux.go validateID).</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out ContainerId id)
    {
        id = default;
        if (text is not { Length: > 0 and <= MaxLength } || text is "." or ".." || !text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '+' or '.' or '_')) return false;
        id = new ContainerId(text);
        return true;
    }

    public override string ToString() => _text ?? "";
}
