using Watari.GrainInterfaces.Model;
using Watari.Introspection.Kernel;
using Watari.Introspection.Types;

namespace Watari.Silo.Engine.Doctor;

/// <summary>Something that Watari does with a guest's kernel, and the structures that it reads for it.</summary>
/// <param name="Subject">In a word or two.</param>
/// <param name="Loss">What is lost where a structure is not as it must be.</param>
/// <param name="Level">How bad that is.</param>
/// <param name="Namespaces">Of the types that read those structures.</param>
internal sealed record KernelCapability(string Subject, string Loss, CheckLevel Level, params string[] Namespaces)
{
    private const int MostNamed = 6;
    private const string Remedy = "boot the guest with another kernel (Debian's 5.10 to 7.2 are known to be as Watari needs them), and report what is named here";

    /// <summary>All there are; the last takes whatever no other names.</summary>
    public static IReadOnlyList<KernelCapability> All { get; } =
    [
        new("freezing", "nothing can be frozen from outside", CheckLevel.Warning, "Watari.Checkpoint.Freezing"),
        new("landing zone", "files of pages cannot be written: no shared memory comes into this VM, and other memory only by --memory in-place", CheckLevel.Warning, "Watari.Checkpoint.Restore"),
        new("log", "the kernel's log cannot be read", CheckLevel.Warning, "Watari.Introspection.Log"),
        new("accounting", "what the guest and its cgroups use cannot be read", CheckLevel.Warning, "Watari.Introspection.Accounting"),
        new("processes", "no container can be found or moved", CheckLevel.Problem, "Watari.Introspection.Tasks", "Watari.Introspection.Cgroups", "Watari.Introspection.Walks"),
        new("capture", "containers can be listed, and not moved", CheckLevel.Problem),
    ];

    /// <summary>The checks of a kernel against all structures that Watari reads.</summary>
    public static IEnumerable<VmCheck> Check(GuestKernel kernel)
    {
        ILookup<KernelCapability, KernelContract> contracts = Introspection.KernelStructs.All.Concat(Checkpoint.KernelStructs.All).ToLookup(OfContract);
        return All.Select(capability => capability.Check(kernel, [.. contracts[capability]]));
    }

    private static KernelCapability OfContract(KernelContract contract) =>
        All.FirstOrDefault(capability => capability.Namespaces.Any(space => contract.Name.StartsWith(space + ".", StringComparison.Ordinal))) ?? All[^1];

    private VmCheck Check(GuestKernel kernel, KernelContract[] contracts)
    {
        // One that is not there at all is of another configuration or version, and what needs it would miss the member that leads to it.
        string[] absent = [.. contracts.Where(contract => !kernel.Layout.Has(contract.Descriptor)).Select(contract => contract.Descriptor.Names[0]).Distinct()];
        string[] faults = [.. contracts.Where(contract => kernel.Layout.Has(contract.Descriptor)).SelectMany(contract => kernel.Layout.Faults(contract.Descriptor)).Distinct()];
        int there = contracts.Select(contract => contract.Descriptor.Names[0]).Distinct().Count() - absent.Length;
        string without = absent.Length == 0 ? "" : $"; not in this kernel: {Some(absent, ", ")}";
        if (faults.Length > 0) return new VmCheck(Subject, Level, $"{Loss}: {Some(faults, " ")}{without}", Remedy);
        return there > 0
            ? new VmCheck(Subject, CheckLevel.Ok, $"{there} structures of the kernel are as they must be{without}")
            : new VmCheck(Subject, Level, $"{Loss}{without}", Remedy);
    }

    private static string Some(string[] items, string between) =>
        items.Length <= MostNamed ? string.Join(between, items) : $"{string.Join(between, items[..MostNamed])} … ({items.Length} in all)";
}
