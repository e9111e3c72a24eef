using System.Text.Json.Serialization;

namespace Watari.GuestAgent.Protocol;

/// <summary>Whose container it will be, once it is restored: who lists it, stops it, and sees it end.</summary>
[JsonConverter(typeof(KebabCaseEnum<ContainerManager>))]
public enum ContainerManager
{
    /// <summary>runc's alone, out of a bundle that is in the guest.</summary>
    Runc,

    /// <summary>podman's, with its own id and name, out of a checkpoint archive and an image that is in the guest.</summary>
    Podman,
}
