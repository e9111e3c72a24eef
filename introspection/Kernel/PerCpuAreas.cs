namespace Watari.Introspection.Kernel;

/// <summary>Per-CPU variables: a symbol's place in each CPU's own area (include/linux/percpu-defs.h).</summary>
public sealed class PerCpuAreas
{
    private readonly GuestKernel _kernel;

    internal PerCpuAreas(GuestKernel kernel) => _kernel = kernel;

    /// <summary>CPUs that the kernel has set up areas for: those that can be there (nr_cpu_ids).</summary>
    public int PossibleCpus => (int)Math.Min(_kernel.AddressSpace.Read<uint>(_kernel.Symbols.Find("nr_cpu_ids")), 8192);

    /// <summary>Where a per-CPU variable of one CPU lies.</summary>
    public GuestVirtualAddress Address(string symbol, int cpu) => Address(_kernel.Symbols.Find(symbol), cpu);

    /// <summary>Where what a per-CPU pointer of a structure leads to lies for one CPU: per_cpu_ptr.</summary>
    public GuestVirtualAddress Address(GuestVirtualAddress pointer, int cpu)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cpu);
        GuestVirtualAddress offsets = _kernel.Symbols.Find("__per_cpu_offset");
        return pointer + _kernel.AddressSpace.Read<ulong>(offsets + (ulong)cpu * sizeof(ulong));
    }

    /// <summary>Whether a CPU takes part in scheduling now.</summary>
    public bool IsOnline(int cpu)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cpu);
        GuestVirtualAddress mask = _kernel.Symbols.Find("__cpu_online_mask");
        return (_kernel.AddressSpace.Read<ulong>(mask + (ulong)(cpu >> 6) * sizeof(ulong)) >> (cpu & 63) & 1) != 0;
    }
}
