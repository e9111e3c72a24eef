using System.Text.RegularExpressions;

namespace Watari.Hypervisor;

/// <summary>A VM to be started.</summary>
public sealed partial record VmSpec
{
    /// <summary>Lower-case letters, digits, hyphens and dots; its name on the host and in the guest.</summary>
    public required string Name { get; init; }

    /// <summary>Directory of a <see cref="GuestImage"/>.</summary>
    public string Image { get; init; } = GuestImage.DefaultDirectory();

    public int MemoryMiB { get; init; } = 512;

    public int Vcpus { get; init; } = 1;

    /// <summary>KVM where this host can, unless said otherwise.</summary>
    public Accelerator Accelerator { get; init; } = Accelerators.Best;

    /// <summary>QEMU's -cpu; unless said otherwise <c>host</c> under KVM and <c>max,-cx16</c> under TCG: kernels from 6.12 on were seen to panic after cmpxchg16b in QEMU 7.2's translation.</summary>
    public string Cpu
    {
        get => field ?? (Accelerator == Accelerator.Kvm ? "host" : "max,-cx16");
        init;
    }

    /// <summary>More of the guest kernel's command line (Documentation/admin-guide/kernel-parameters.txt): <c>nokaslr</c>, say.</summary>
    public string KernelArguments { get; init; } = "";

    /// <summary>Whether its RAM is its QEMU's own, as QEMU has it unless told otherwise. Such a VM is read more slowly, and cannot be saved.</summary>
    public bool PrivateRam { get; init; }

    /// <summary>More arguments for QEMU, as they are: a NIC, say.</summary>
    public IReadOnlyList<string> ExtraArguments { get; init; } = [];

    /// <exception cref="HypervisorException">The specification cannot be started anywhere.</exception>
    internal void Check()
    {
        if (!NamePattern().IsMatch(Name))
            throw new HypervisorException($"\"{Name}\" is no name for a VM: use up to 63 lower-case letters, digits, dots and hyphens, a letter or digit first.");
        if (Cpu is "" || Cpu.Any(char.IsWhiteSpace)) throw new HypervisorException($"\"{Cpu}\" is no CPU model: give one of 'qemu-system-x86_64 -cpu help', with its features, as in max,-avx2.");
        if (MemoryMiB is < 64 or > 1 << 20) throw new HypervisorException($"A VM cannot have {MemoryMiB} MiB of memory: give 64 or more.");
        if (Vcpus is < 1 or > 255) throw new HypervisorException($"A VM cannot have {Vcpus} processors: give 1 to 255.");
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{0,62}$")]
    private static partial Regex NamePattern();
}
