using System.Globalization;

namespace Watari.Containers.Listing;

/// <summary>Ports as docker ps has them: <c>0.0.0.0:8080->80/tcp, 443/tcp</c> (docker/cli formatter DisplayablePorts).</summary>
internal static class DockerPorts
{
    internal static string Text(IReadOnlyList<ContainerPort> ports)
    {
        List<string> shown = [], mappings = [];
        List<(string Key, ushort First, ushort Last)> groups = [];
        foreach (ContainerPort port in ports.OrderBy(port => port.Port).ThenBy(port => port.HostAddress, StringComparer.Ordinal).ThenBy(port => port.HostPort).ThenBy(port => port.Protocol, StringComparer.Ordinal))
        {
            if (port.HostAddress is { } address && port.HostPort != port.Port)
            {
                mappings.Add(string.Create(CultureInfo.InvariantCulture, $"{Bracketed(address)}:{port.HostPort}->{port.Port}/{port.Protocol}"));
                continue;
            }

            // Ports that follow one another, published as themselves or not at all, are one entry.
            string key = port.HostAddress is null ? port.Protocol : $"{port.HostAddress}/{port.Protocol}";
            int at = groups.FindIndex(group => group.Key == key);
            if (at < 0)
            {
                groups.Add((key, port.Port, port.Port));
            }
            else if (port.Port == groups[at].Last + 1)
            {
                groups[at] = groups[at] with { Last = port.Port };
            }
            else
            {
                shown.Add(Text(groups[at].Key, groups[at].First, groups[at].Last));
                groups[at] = (key, port.Port, port.Port);
            }
        }

        return string.Join(", ", [.. shown, .. groups.Select(group => Text(group.Key, group.First, group.Last)), .. mappings]);
    }

    private static string Text(string key, ushort first, ushort last)
    {
        string range = first == last ? first.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{first}-{last}");
        return key.Split('/') is [var address, var protocol] ? $"{Bracketed(address)}:{range}->{range}/{protocol}" : $"{range}/{key}";
    }

    private static string Bracketed(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;
}
