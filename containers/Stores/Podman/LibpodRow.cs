namespace Watari.Containers.Stores.Podman;

/// <summary>A container in podman's database, whichever that is.</summary>
/// <param name="Id">As it stands there.</param>
/// <param name="Config">JSON of a <see cref="LibpodConfig"/>.</param>
/// <param name="State">JSON of a <see cref="LibpodState"/>.</param>
/// <param name="Networks">Those that the database keeps beside the configuration.</param>
internal readonly record struct LibpodRow(string Id, ReadOnlyMemory<byte> Config, ReadOnlyMemory<byte> State, IReadOnlyList<string> Networks);
