using Microsoft.CodeAnalysis;

namespace Watari.Introspection.Generator;

/// <summary>
/// Fills in [KernelStruct] types: each partial property becomes a read at an offset that the kernel's own types give, looked up
/// once and then found by number. A list of all of them (KernelStructs) is for those who want to know beforehand what a kernel lacks.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class KernelStructGenerator : IIncrementalGenerator
{
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        var structs = context.SyntaxProvider.ForAttributeWithMetadataName(
            "Watari.Introspection.Types.KernelStructAttribute",
            static (node, _) => true,
            static (attribute, _) => KernelStructReader.Read(attribute));

        context.RegisterSourceOutput(structs, static (output, found) =>
        {
            foreach (Diagnostic problem in found.Diagnostics.Items) output.ReportDiagnostic(problem);
            if (found.Model is { } model) output.AddSource($"{model.Name}.KernelStruct.g.cs", KernelStructWriter.Write(model));
        });

        var names = structs
            .Where(static found => found.Model is not null)
            .Select(static (found, _) => found.Model!.FullName)
            .Collect()
            .Combine(context.CompilationProvider.Select(static (compilation, _) => compilation.AssemblyName ?? ""));
        context.RegisterSourceOutput(names, static (output, found) =>
        {
            if (!found.Left.IsEmpty) output.AddSource("KernelStructs.g.cs", KernelStructWriter.WriteList(found.Right, found.Left));
        });
    }
}
