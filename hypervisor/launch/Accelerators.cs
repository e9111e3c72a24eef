namespace Watari.Hypervisor;

/// <summary>What this host has to run guests with.</summary>
public static class Accelerators
{
    private static readonly Lazy<Accelerator> s_best = new(() => HasVirtualization() && KvmOpens() ? Accelerator.Kvm : Accelerator.Tcg);

    /// <summary>KVM where the processor has VMX or SVM and /dev/kvm opens. The device alone says little: it may exist and still run no stock kernel.</summary>
    public static Accelerator Best => s_best.Value;

    /// <summary>The first processor's line of flags in /proc/cpuinfo.</summary>
    internal static string HostCpuFlags => File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("flags", StringComparison.Ordinal)) ?? "";

    private static bool HasVirtualization() => HostCpuFlags.Split(' ') is var flags && (flags.Contains("vmx") || flags.Contains("svm"));

    private static bool KvmOpens()
    {
        try
        {
            File.OpenHandle("/dev/kvm", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite).Dispose();
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
