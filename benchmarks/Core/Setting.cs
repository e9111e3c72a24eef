using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using Watari.Hypervisor;

namespace Watari.Benchmarks.Core;

/// <summary>What figures were measured on, without which they say nothing.</summary>
/// <param name="Processor">The machine's, as its kernel names it.</param>
/// <param name="Cpus">How many of them.</param>
/// <param name="Kernel">The machine's kernel.</param>
/// <param name="Load">How many others wanted a CPU when the run began: the load average of the last minute.</param>
/// <param name="Watari">This version.</param>
internal sealed record Setting(string Processor, int Cpus, string Kernel, double Load, string Watari)
{
    /// <summary>The VMs, if any were measured.</summary>
    public GuestSetting? Guest { get; init; }

    public static Setting OfMachine() => new(
        File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':', 2)[1].Trim()
            ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Environment.ProcessorCount,
        $"{File.ReadAllText("/proc/sys/kernel/ostype").Trim()} {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}",
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture),
        typeof(Setting).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    /// <summary>One line for people.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"Watari {Watari}, {Cpus} CPUs ({Processor}), {Kernel}, load {Load:0.0}");
}

/// <summary>The VMs of a measurement.</summary>
/// <param name="Accelerator">What ran their instructions.</param>
/// <param name="Qemu">QEMU's version.</param>
/// <param name="Vcpus">Of each VM.</param>
/// <param name="Kernel">The guests' kernel release.</param>
/// <param name="Criu">The guests' CRIU; null where it had no part in what was measured.</param>
internal sealed record GuestSetting(Accelerator Accelerator, string Qemu, int Vcpus, string Kernel, string? Criu = null)
{
    public static GuestSetting Of(MachineDescription machine, string kernel) =>
        new(machine.Accelerator, machine.QemuVersion.ToString(), machine.VcpuCount, kernel);

    public override string ToString() =>
        $"{Accelerator.ToString().ToUpperInvariant()}, QEMU {Qemu}, {Vcpus} vCPU, guest kernel {Kernel}{(Criu is null ? "" : $", CRIU {Criu}")}";
}
