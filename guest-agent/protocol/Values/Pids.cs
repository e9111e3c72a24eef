using System.Globalization;
using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>A process id in the guest's initial pid namespace: what the guest's own /proc calls it.</summary>
[JsonConverter(typeof(GuestPidConverter))]
public readonly record struct GuestPid(int Value)
{
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A process id as the processes of a container see it: the number in the names of CRIU's images.</summary>
[JsonConverter(typeof(ContainerPidConverter))]
public readonly record struct ContainerPid(int Value)
{
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>A restored process under both of its numbers.</summary>
public sealed record ProcessPids(GuestPid Guest, ContainerPid Container);
