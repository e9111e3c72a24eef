using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>Names a command that runs in a container: 32 hexadecimal digits, chosen by who asks for it.</summary>
[JsonConverter(typeof(ExecIdConverter))]
public readonly record struct ExecId(Guid Value)
{
    public static bool TryParse([NotNullWhen(true)] string? text, out ExecId id)
    {
        bool good = Guid.TryParseExact(text, "n", out Guid value);
        id = new ExecId(value);
        return good;
    }

    public override string ToString() => Value.ToString("n");
}
