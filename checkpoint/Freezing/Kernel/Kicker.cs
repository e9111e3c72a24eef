using Watari.Introspection.Kernel;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>
/// Kicks the guest and learns which processor that interrupts, from the counts of device interrupts that each keeps
/// (kernel_stat.irqs_sum, include/linux/kernel_stat.h): the guest sends a device's interrupt where it likes.
/// </summary>
internal sealed class Kicker(GuestKernel kernel, IGuestKick kick)
{
    private readonly ulong _sumOffset = (ulong)kernel.Types.Member("kernel_stat", "irqs_sum").ByteOffset;
    private Dictionary<int, ulong> _before = [];
    private int? _cpu;

    /// <summary>The processor that a kick interrupts, as far as is known.</summary>
    public int Cpu
    {
        get
        {
            Learn();
            return _cpu ?? OnlineCpus.Of(kernel).FirstOrDefault();
        }
    }

    public void Kick()
    {
        Learn();
        _before = Sums();
        kick.Kick();
    }

    /// <summary>Kicks once beforehand, for the processor to be known when it matters.</summary>
    public void Calibrate()
    {
        if (_cpu is not null || !OnlineCpus.Of(kernel).Skip(1).Any()) return;
        Kick();
        // A kick that nobody counts is not worth waiting for: the guess stands.
        for (int i = 0; i < 10 && _cpu is null; i++)
        {
            Thread.Sleep(1);
            Learn();
        }
    }

    private void Learn()
    {
        if (_before.Count == 0) return;
        (int cpu, ulong most) = Sums().Select(now => (now.Key, now.Value - _before.GetValueOrDefault(now.Key, now.Value))).DefaultIfEmpty().MaxBy(more => more.Item2);
        if (most == 0) return;
        _cpu = cpu;
        _before = [];
    }

    private Dictionary<int, ulong> Sums()
    {
        kernel.Refresh();
        return OnlineCpus.Of(kernel).ToDictionary(cpu => cpu, cpu => kernel.AddressSpace.Read<ulong>(kernel.PerCpu.Address("kstat", cpu) + _sumOffset));
    }
}
