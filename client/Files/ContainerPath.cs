using System.Collections.Immutable;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text;
using Watari.Client.Cluster;
using Watari.GrainInterfaces;
using Watari.GrainInterfaces.Model;

namespace Watari.Client.Files;

/// <summary>A file of a container, as docker cp has it: <c>CONTAINER:PATH</c>, the path from the container's root on.</summary>
internal sealed record ContainerPath(string Container, string Path)
{
    public ImmutableArray<byte> Bytes => [.. Encoding.UTF8.GetBytes(Path)];

    /// <param name="name">Of the argument.</param>
    /// <param name="mayBeRoot">Whether a container alone means its root.</param>
    public static Argument<ContainerPath> Argument(string name, string description, bool mayBeRoot = false) => new(name)
    {
        Description = description,
        HelpName = mayBeRoot ? "CONTAINER[:PATH]" : "CONTAINER:PATH",
        CustomParser = result => Parse(result, mayBeRoot),
    };

    public static Option<string?> VmOption() => new("--vm") { Description = "Where to look for the container (VM, or HOST/VM)", HelpName = "VM" };

    private static ContainerPath? Parse(ArgumentResult result, bool mayBeRoot)
    {
        string text = result.Tokens[0].Value;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 && mayBeRoot && text.Length > 0) return new ContainerPath(text, "/");
        if (colon > 0 && colon < text.Length - 1) return new ContainerPath(text[..colon], text[(colon + 1)..]);
        result.AddError($"'{text}' names no file of a container: write CONTAINER:PATH.");
        return null;
    }
}

/// <summary>A container whose files are read, and who reads them.</summary>
internal sealed record ContainerFiles(string Container, IFilesGrain Grain)
{
    /// <exception cref="EngineException">It is unknown or ambiguous.</exception>
    public static async Task<ContainerFiles> ResolveAsync(Conversation cluster, string name, string? vm, CancellationToken cancellationToken)
    {
        ContainerDescription container = await cluster.Cluster.ResolveContainerAsync(name, vm, cancellationToken);
        return new ContainerFiles(container.Id, cluster.Grains.GetGrain<IFilesGrain>(container.Vm.ToString()));
    }
}
