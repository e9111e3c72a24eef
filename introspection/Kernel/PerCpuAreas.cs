namespace Watari.Introspection.Kernel;

/// <summary>Per-CPU variables: a symbol's place in each CPU's own area (include/linux/percpu-defs.h).</summary>
public sealed class PerCpuAreas
{
    private readonly GuestKernel _kernel;

    internal PerCpuAreas(GuestKernel kernel) => _kernel = kernel;

    /// <summary>CPUs that the kernel has set up areas for: those that can be there (nr_cpu_ids).</summary>
    public int PossibleCpus => (int)Math.Min(_kernel.AddressSpace.Read<uint>(_kernel.Symbols.Find("nr_cpu_ids")), 8192);

    /// <summary>Where a per-CPU variable of one CPU lies.</summary>
    public GuestVirtualAddress Address(string symbol, int cpu)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cpu);
        GuestVirtualAddress offsets = _kernel.Symbols.Find("__per_cpu_offset");
        ulong offset = _kernel.AddressSpace.Read<ulong>(offsets + (ulong)cpu * sizeof(ulong));
        return _kernel.Symbols.Find(symbol) + offset;
    }
}
