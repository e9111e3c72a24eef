using Watari.GrainInterfaces.Model;

namespace Watari.Grains.Cluster;

/// <summary>What a name that a person typed means; where it means nothing, or several things, the message says what there is.</summary>
internal static class Names
{
    public static VmId ResolveVm(string name, Listing<VmId> vms, IReadOnlyList<string> hosts)
    {
        ImmutableArray<VmId> all = vms.Items;
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (slash > 0 && !hosts.Contains(name[..slash]))
        {
            throw new EngineException(FailureKind.NotFound, $"There is no host '{name[..slash]}' (there are: {List(hosts)}).");
        }

        VmId[] named = [.. all.Where(id => slash < 0 ? id.Vm == name : id.ToString() == name)];
        return named.Length switch
        {
            1 => named[0],
            0 => throw new EngineException(FailureKind.NotFound, $"There is no VM '{name}' (there are: {List(all.Select(id => id.ToString()))}).{Unseen(vms.Problems)}"),
            _ => throw new EngineException(FailureKind.Ambiguous, $"Several hosts have a VM '{name}': name one of {List(named.Select(id => id.ToString()))}."),
        };
    }

    public static ContainerDescription ResolveContainer(string name, string? vm, Listing<ContainerDescription> containers)
    {
        ContainerDescription[] named = Named(name, containers.Items);
        string where = vm is null ? "" : $" in {vm}";
        return named.Length switch
        {
            1 => named[0],
            0 => throw new EngineException(
                FailureKind.NotFound,
                $"There is no container '{name}'{where} (there are: {List(containers.Items.Select(c => $"{c.Name} in {c.Vm}"))}).{Unseen(containers.Problems)}"),
            _ => throw new EngineException(
                FailureKind.Ambiguous,
                $"'{name}' is the name of several containers{where}: {List(named.Select(c => $"{c.Id} in {c.Vm}"))}; say which by its id{(vm is null ? ", or name its VM" : "")}."),
        };
    }

    /// <summary>The same for what can be done with one that runs alone: those that do not run are told of only where none does.</summary>
    public static ContainerDescription ResolveRunningContainer(string name, string? vm, Listing<ContainerDescription> containers)
    {
        ContainerDescription[] named = Named(name, containers.Items);
        if (named is [{ Runs: false } ended]) throw new EngineException(FailureKind.Refused, $"Container '{ended.Name}' in {ended.Vm} does not run: it is {ended.Status.ToString().ToLowerInvariant()}.");
        return named.Where(c => c.Runs).ToArray() is [var running] ? running : ResolveContainer(name, vm, containers);
    }

    /// <summary>Those of a name or an id; where there are none, those whose id begins so.</summary>
    private static ContainerDescription[] Named(string name, ImmutableArray<ContainerDescription> containers)
    {
        ContainerDescription[] exact = [.. containers.Where(c => c.Name == name || c.Id == name || c.Details?.Names.Contains(name) == true)];
        return exact.Length > 0 || name.Length == 0 ? exact : [.. containers.Where(c => c.Id.StartsWith(name, StringComparison.Ordinal))];
    }

    private static string List(IEnumerable<string> names)
    {
        string[] first = [.. names.Take(21)];
        return first.Length == 0 ? "none" : first.Length > 20 ? string.Join(", ", first[..20]) + ", …" : string.Join(", ", first);
    }

    private static string Unseen(ImmutableArray<string> problems) =>
        problems.IsEmpty ? "" : $" Not all could be looked into: {string.Join("; ", problems)}";
}
