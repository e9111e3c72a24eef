namespace Watari.Hypervisor;

/// <summary>One register that CPUID gives for one leaf and subleaf.</summary>
public readonly record struct CpuidWord(uint Leaf, uint Subleaf, string Register)
{
    public override string ToString() => $"CPUID.{Leaf:x}H:{Subleaf:x}.{Register}";
}

/// <summary>
/// The features that a VM's processors offer, as QEMU's <c>feature-words</c> property gives them. Two VMs on different hosts are compared by it:
/// a program that was started on one may have chosen its code by any of these bits.
/// </summary>
public sealed class CpuFeatures
{
    private readonly IReadOnlyDictionary<CpuidWord, uint> _words;

    internal CpuFeatures(IEnumerable<CpuFeatureWord> words) : this(words
        .ToDictionary(word => new CpuidWord(word.InputEax, word.InputEcx ?? 0, word.Register), word => word.Features))
    {
    }

    public CpuFeatures(IReadOnlyDictionary<CpuidWord, uint> words) => _words = words;

    /// <summary>The feature bits of each word, absent ones zero.</summary>
    public IReadOnlyDictionary<CpuidWord, uint> Words => _words;

    /// <summary>Names of the features, in the kernel's spelling (/proc/cpuinfo) where there is one, sorted.</summary>
    public IEnumerable<string> Names => _words.SelectMany(word => BitsOf(word.Key, word.Value)).Order(StringComparer.Ordinal);

    /// <summary>
    /// What a program could use here and would miss on the other VM: empty when everything that runs here can run there.
    /// Features that only a kernel uses (virtualization, paging, power, mitigations) do not count.
    /// </summary>
    public IReadOnlyList<string> MissingOn(CpuFeatures other) =>
    [
        .. _words.Where(word => CpuFeatureNames.UserVisible(word.Key))
            .SelectMany(word => BitsOf(word.Key, word.Value & ~other._words.GetValueOrDefault(word.Key)))
            .Where(name => !CpuFeatureNames.IsOfTheKernel(name))
            .Order(StringComparer.Ordinal),
    ];

    private static IEnumerable<string> BitsOf(CpuidWord word, uint features)
    {
        for (int bit = 0; bit < 32; bit++)
        {
            if ((features & (1u << bit)) != 0) yield return CpuFeatureNames.NameOf(word, bit);
        }
    }
}
