namespace Watari.Hypervisor;

/// <summary>What runs the guest's instructions.</summary>
public enum Accelerator
{
    /// <summary>QEMU's translator.</summary>
    Tcg,

    /// <summary>The host's processor.</summary>
    Kvm,
}

/// <summary>What a VM is made of. Does not change while it runs, hotplug aside.</summary>
/// <param name="MachineType">QEMU's, as in <c>pc-q35-7.2</c>.</param>
/// <param name="Accelerator">What runs its instructions.</param>
/// <param name="VcpuCount">Virtual processors.</param>
/// <param name="CpuFeatures">What its first processor offers; QEMU gives all of them the same.</param>
/// <param name="QemuVersion">Of the process that runs it.</param>
public sealed record MachineDescription(
    string MachineType, Accelerator Accelerator, int VcpuCount, CpuFeatures CpuFeatures, Version QemuVersion)
{
    internal static async Task<MachineDescription> ReadAsync(QmpClient qmp, CancellationToken cancellation)
    {
        Task<string> asksType = qmp.QomGetAsync<string>("/machine", "type", cancellation);
        Task<KvmInfo> asksKvm = qmp.ExecuteAsync<KvmInfo>("query-kvm", cancellation: cancellation);
        Task<CpuInfoFast[]> asksCpus = qmp.ExecuteAsync<CpuInfoFast[]>("query-cpus-fast", cancellation: cancellation);
        Task<CpuFeatureWord[]> asksWords = FeatureWordsOfAsync(qmp, asksCpus, cancellation);
        await Task.WhenAll(asksType, asksKvm, asksWords);
        (string type, KvmInfo kvm, CpuInfoFast[] cpus, CpuFeatureWord[] words) = (await asksType, await asksKvm, await asksCpus, await asksWords);
        const string suffix = "-machine";
        return new MachineDescription(
            type.EndsWith(suffix, StringComparison.Ordinal) ? type[..^suffix.Length] : type,
            kvm.Enabled ? Accelerator.Kvm : Accelerator.Tcg,
            cpus.Length, new CpuFeatures(words), qmp.QemuVersion);
    }

    private static async Task<CpuFeatureWord[]> FeatureWordsOfAsync(QmpClient qmp, Task<CpuInfoFast[]> asksCpus, CancellationToken cancellation)
    {
        CpuInfoFast first = (await asksCpus).FirstOrDefault() ?? throw new HypervisorException($"The VM at {qmp.SocketPath} has no processor.");
        return await qmp.QomGetAsync<CpuFeatureWord[]>(first.QomPath, "feature-words", cancellation);
    }
}
