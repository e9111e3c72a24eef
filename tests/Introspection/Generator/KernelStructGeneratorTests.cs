using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Watari.Introspection.Generator;

namespace Watari.Introspection.Tests.Generator;

public sealed class KernelStructGeneratorTests
{
    [Fact]
    public void A_propertys_name_in_snake_case_is_the_members_unless_others_are_given()
    {
        string generated = Generate("""
            [KernelStruct("task_struct")]
            public readonly partial record struct Task
            {
                [Field] public partial Ptr<Task> RealParent { get; }
                [Field("__state", "state")] public partial uint State { get; }
            }
            """);

        Assert.Contains("""(["real_parent"], global::Watari.Introspection.Types.KernelFieldShape.Pointer)""", generated, StringComparison.Ordinal);
        Assert.Contains("""(["__state", "state"], global::Watari.Introspection.Types.KernelFieldShape.Scalar, Size: 4, Signed: false)""", generated, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[KernelStruct("a")] public partial record struct A;""", "WTR001")]
    [InlineData("""[KernelStruct("a")] public readonly partial struct A;""", "WTR001")]
    [InlineData("""[KernelStruct("a")] public readonly record struct A;""", "WTR001")]
    [InlineData("""[KernelStruct("a")] public readonly partial record struct A { [Field] public partial string Name { get; } }""", "WTR002")]
    [InlineData("""[KernelStruct("a")] public readonly partial record struct A { [Field] public partial A Inner { get; } }""", "WTR002")]
    [InlineData("""[KernelStruct("a")] public readonly partial record struct A { [Embedded] public partial int Inner { get; } }""", "WTR002")]
    [InlineData("""[KernelStruct("a")] public readonly partial record struct A { [Field(Optional = true)] public partial int Pid { get; } }""", "WTR003")]
    [InlineData("""[KernelStruct("a")] public readonly partial record struct A { [Field] public partial int? Pid { get; } }""", "WTR003")]
    [InlineData("""[KernelStruct("a")] public readonly partial record struct A { [Field] public int Pid => 0; }""", "WTR004")]
    public void A_declaration_that_cannot_be_read_is_an_error(string source, string id)
    {
        GeneratorDriverRunResult result = Run(source).GetRunResult();

        Assert.Equal(id, Assert.Single(result.Diagnostics).Id);
        Assert.Empty(result.GeneratedTrees);
    }

    [Fact]
    public void An_assembly_lists_every_structure_that_it_reads() => Assert.Equal(
        typeof(GuestKernel).Assembly.GetTypes().Where(type => type.IsDefined(typeof(KernelStructAttribute), inherit: false)).Select(type => type.FullName!).Order(StringComparer.Ordinal),
        Watari.Introspection.KernelStructs.All.Select(contract => contract.Name));

    [Fact]
    public void An_edit_elsewhere_generates_nothing_anew()
    {
        const string source = """[KernelStruct("a")] public readonly partial record struct A { [Field] public partial int Pid { get; } }""";
        GeneratorDriver driver = Run(source, trackSteps: true);

        driver = driver.RunGenerators(Compile(source).AddSyntaxTrees(CSharpSyntaxTree.ParseText("class Unrelated;", cancellationToken: TestContext.Current.CancellationToken)), TestContext.Current.CancellationToken);

        Assert.All(
            driver.GetRunResult().Results[0].TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(run => run.Outputs),
            output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    private static string Generate(string source)
    {
        GeneratorDriver driver = Run(source).RunGeneratorsAndUpdateCompilation(Compile(source), out Compilation compiled, out _);
        Assert.Empty(compiled.GetDiagnostics().Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return Assert.Single(driver.GetRunResult().GeneratedTrees, tree => !tree.FilePath.EndsWith("KernelStructs.g.cs", StringComparison.Ordinal)).ToString();
    }

    private static GeneratorDriver Run(string source, bool trackSteps = false) =>
        CSharpGeneratorDriver.Create(
            [new KernelStructGenerator().AsSourceGenerator()],
            driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackSteps)).RunGenerators(Compile(source));

    private static CSharpCompilation Compile(string source)
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string[] references = [typeof(object).Assembly.Location, Path.Combine(runtime, "System.Runtime.dll"), Path.Combine(runtime, "System.Collections.dll"), typeof(GuestKernel).Assembly.Location];
        return CSharpCompilation.Create(
            "watched",
            [CSharpSyntaxTree.ParseText("using Watari.Introspection.Types;\n" + source)],
            references.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
    }
}
