using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>A container's id as runc takes it: [A-Za-z0-9_+.-], 1 to 128 here, the first a letter or a digit.</summary>
[JsonConverter(typeof(ContainerIdConverter))]
public readonly record struct ContainerId
{
    private readonly string? value;

    private ContainerId(string value) => this.value = value;

    /// <exception cref="FormatException">runc would not take the id.</exception>
    public static ContainerId Parse(string text) =>
        TryParse(text, out ContainerId id) ? id : throw new FormatException($"'{Names.Quote(text)}' is no container id: 1 to 128 of [A-Za-z0-9_+.-], the first a letter or a digit.");

    public static bool TryParse([NotNullWhen(true)] string? text, out ContainerId id)
    {
        bool good = Names.IsPlain(text, 128, '+');
        id = good ? new ContainerId(text!) : default;
        return good;
    }

    public override string ToString() => value ?? "";
}
