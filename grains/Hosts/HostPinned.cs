using Orleans.Placement;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Runtime.Placement;
using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Hosts;

/// <summary>The grain lives on the silo of the host that its key begins with: <c>HOST</c> or <c>HOST/…</c>.</summary>
[AttributeUsage(AttributeTargets.Class)]
public sealed class HostPinnedAttribute() : PlacementAttribute(new HostPinnedStrategy());

[Serializable, GenerateSerializer, Immutable, Alias("watari.HostPinnedStrategy")]
public sealed class HostPinnedStrategy : PlacementStrategy;

/// <summary>Finds a host's silo by the metadata that the silo announces.</summary>
internal sealed class HostPinnedDirector(ISiloMetadataCache metadata) : IPlacementDirector
{
    public const string MetadataKey = "watari.host";

    /// <exception cref="EngineException"><see cref="FailureKind.HostLost"/>: no live silo is of that host.</exception>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        string key = target.GrainIdentity.Key.ToString()!;
        int slash = key.IndexOf('/', StringComparison.Ordinal);
        string host = slash < 0 ? key : key[..slash];
        SiloAddress[] silos = context.GetCompatibleSilos(target);
        // A silo that was started again may be there beside its dead predecessor for a moment.
        SiloAddress? silo = silos.Where(s => HostOf(s) == host).MaxBy(s => s.Generation);
        return silo is not null ? Task.FromResult(silo) : throw NotThere(host, silos.Select(HostOf));
    }

    private string? HostOf(SiloAddress silo) => metadata.GetSiloMetadata(silo).Metadata.GetValueOrDefault(MetadataKey);

    private static EngineException NotThere(string host, IEnumerable<string?> there)
    {
        string known = string.Join(", ", there.OfType<string>().Order(StringComparer.Ordinal));
        return new EngineException(FailureKind.HostLost, $"No silo of host '{host}' answers (there are: {known}); start it with 'watari-silo --host {host}'.");
    }
}
