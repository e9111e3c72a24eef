using System.Reflection;
using System.Xml.Linq;
using NetArchTest.Rules;

namespace Watari.Architecture.Tests;

/// <summary>The way of the data is the layout of the folders; what may use what is this table, and nothing else.</summary>
public sealed class DependencyTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Watari.Hypervisor"] = [],
        ["Watari.Introspection.Generator"] = [],
        ["Watari.Introspection"] = ["Watari.Introspection.Generator"],
        ["Watari.Disk"] = [],
        ["Watari.Containers"] = ["Watari.Disk", "Watari.Introspection"],
        ["Watari.Checkpoint"] = ["Watari.Introspection", "Watari.Introspection.Generator"],
        ["Watari.Transfer"] = [],
        ["Watari.Placement"] = [],
        ["Watari.GuestAgent.Protocol"] = [],
        ["Watari.GuestAgent"] = ["Watari.GuestAgent.Protocol"],
        ["Watari.Clustering"] = [],
        ["Watari.GrainInterfaces"] = [],
        ["Watari.Grains"] = ["Watari.GrainInterfaces", "Watari.Placement"],
        ["Watari.Client"] = ["Watari.GrainInterfaces", "Watari.Clustering", "Watari.Hypervisor"],
        ["Watari.Silo"] =
        [
            "Watari.Hypervisor", "Watari.Disk", "Watari.Introspection", "Watari.Containers", "Watari.Checkpoint", "Watari.Transfer", "Watari.Placement", "Watari.GuestAgent.Protocol",
            "Watari.Clustering", "Watari.GrainInterfaces", "Watari.Grains",
        ],
    };

    private static readonly string Top = FindTop();

    public static TheoryData<string> Projects => [.. MayUse.Keys];

    /// <summary>Those that end up beside this test: all but what runs in a guest or in the compiler.</summary>
    public static TheoryData<string> Assemblies => [.. MayUse.Keys.Where(name => File.Exists(PathOf(name)))];

    [Fact]
    public void every_project_of_the_product_is_in_the_table() =>
        Assert.Equal(MayUse.Keys.Order(StringComparer.Ordinal), ProductProjects().Select(p => Path.GetFileNameWithoutExtension(p)).Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Projects))]
    public void a_project_refers_to_none_but_those_that_it_may_use(string project)
    {
        string file = ProductProjects().Single(p => Path.GetFileNameWithoutExtension(p) == project);

        string[] refersTo = [.. XDocument.Load(file).Descendants("ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value))];

        Assert.Empty(refersTo.Except(MayUse[project]));
    }

    /// <summary>References are handed on by those that are referred to: the types must not make use of that.</summary>
    [Theory]
    [MemberData(nameof(Assemblies))]
    public void types_use_none_but_what_their_assembly_may(string assembly)
    {
        string[] forbidden = [.. MayUse.Keys.Where(other => other != assembly && !IsWithin(assembly, other) && !MayUse[assembly].Any(allowed => IsWithin(other, allowed) || IsWithin(allowed, other)))];

        NetArchTest.Rules.TestResult result = Types.InAssembly(Assembly.LoadFrom(PathOf(assembly))).ShouldNot().HaveDependencyOnAny(forbidden).GetResult();

        Assert.True(result.IsSuccessful, $"{assembly}: {string.Join(", ", result.FailingTypeNames ?? [])}");
    }

    [Fact]
    public void the_rule_on_types_can_fail() => Assert.False(
        Types.InAssembly(Assembly.LoadFrom(PathOf("Watari.Grains"))).ShouldNot().HaveDependencyOnAny("Watari.GrainInterfaces").GetResult().IsSuccessful);

    private static bool IsWithin(string inner, string outer) => inner == outer || inner.StartsWith(outer + ".", StringComparison.Ordinal);

    private static IEnumerable<string> ProductProjects() => Directory.EnumerateFiles(Top, "*.csproj", SearchOption.AllDirectories)
        .Where(path => Path.GetRelativePath(Top, path).Split('/') is [var first, ..] && first is not ("tests" or "benchmarks" or "artifacts"));

    private static string PathOf(string assembly) => Path.Combine(AppContext.BaseDirectory, assembly switch
    {
        "Watari.Client" => "watari.dll",
        "Watari.Silo" => "watari-silo.dll",
        _ => $"{assembly}.dll",
    });

    private static string FindTop()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Orchestrator.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("Orchestrator.sln is in no folder above the tests.");
    }
}
