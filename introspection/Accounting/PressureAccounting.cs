using Watari.Introspection.Cgroups;

namespace Watari.Introspection.Accounting;

/// <summary>What is waited for (enum psi_res).</summary>
public enum PressureResource
{
    Cpu,
    Memory,
    Io,
}

/// <summary>Pressure stall information (Documentation/accounting/psi.rst) of the guest and of its cgroups.</summary>
/// <remarks>
/// The kernel sums up what its processors have noted every two seconds while there is anything to note, and when somebody reads a
/// pressure file; nothing is summed up here. So totals lack the last two seconds at most, and averages of a group that does nothing
/// stay what they were when it last did something, where a read inside the guest would have let them sink first.
/// One for a kernel: it keeps where things lie, and reading then allocates nothing.
/// </remarks>
public sealed class PressureAccounting
{
    private const int Windows = 3; // 10, 60 and 300 seconds

    private readonly GuestKernel _kernel;
    private readonly (int Some, int Full)[] _states; // by PressureResource; Full is -1 where the kernel keeps none

    public PressureAccounting(GuestKernel kernel)
    {
        _kernel = kernel;
        bool known = kernel.Types.TryFind("psi_states", out BtfTypeId states);
        _states = [(State("PSI_CPU_SOME"), State("PSI_CPU_FULL")), (State("PSI_MEM_SOME"), State("PSI_MEM_FULL")), (State("PSI_IO_SOME"), State("PSI_IO_FULL"))];
        // CONFIG_PSI, and not switched off at boot (psi=0): psi_disabled is a static_key.
        IsEnabled = known && kernel.Symbols.TryFind("psi_system"u8, out _)
            && !(kernel.Symbols.TryFind("psi_disabled"u8, out GuestVirtualAddress disabled) && kernel.AddressSpace.Read<int>(disabled) > 0);

        int State(string name) => known && kernel.Types.TryGetEnumerator(states, name, out long value) ? (int)value : -1;
    }

    /// <summary>Whether the kernel keeps any.</summary>
    public bool IsEnabled { get; }

    /// <summary>Of the guest as a whole: /proc/pressure. Null where the kernel keeps none.</summary>
    public Pressure? OfSystem(PressureResource resource) => IsEnabled ? Read(_kernel.Global<PsiGroup>("psi_system"), resource) : null;

    /// <summary>Of a cgroup and all below it: its cpu.pressure, memory.pressure and io.pressure. Null where the kernel keeps none.</summary>
    public Pressure? Of(CgroupNode cgroup, PressureResource resource)
    {
        if (!IsEnabled) return null;
        if (cgroup.Level == 0) return OfSystem(resource); // cgroup_psi: the root has none of its own
        CgroupPsi psi = CgroupPsi.At(_kernel, cgroup.Address);
        PsiGroup group;
        if (psi.InPlace is { } inside) group = inside;
        else if (psi.Elsewhere is not { } pointer || !pointer.TryGet(out group)) return null;
        return group.Enabled == false ? null : Read(group, resource);
    }

    private Pressure? Read(PsiGroup group, PressureResource resource)
    {
        (int some, int full) = _states[(int)resource];
        return some < 0 ? null : new Pressure(Read(group, some), full < 0 ? default : Read(group, full));
    }

    private static Stall Read(PsiGroup group, int state)
    {
        KernelArray<ulong> averages = group.Avg;
        return new Stall(
            CpuAccounting.Load(averages[state * Windows]),
            CpuAccounting.Load(averages[state * Windows + 1]),
            CpuAccounting.Load(averages[state * Windows + 2]),
            group.Total[state]); // its first row is PSI_AVGS, what the files show
    }
}

/// <param name="Some">At least one task waited.</param>
/// <param name="Full">All tasks that had something to do waited; nothing of the CPU before v5.13, where the kernel kept none.</param>
public readonly record struct Pressure(Stall Some, Stall Full);

/// <summary>Percent of the time over the last 10, 60 and 300 seconds, and nanoseconds since boot.</summary>
public readonly record struct Stall(double Average10, double Average60, double Average300, ulong Total);

/// <summary>include/linux/psi_types.h.</summary>
[KernelStruct("psi_group")]
public readonly partial record struct PsiGroup
{
    /// <summary>cgroup.pressure, since 34f26a15611a, v6.1.</summary>
    [Field(Optional = true)] public partial bool? Enabled { get; }

    /// <summary>Nanoseconds by PSI_AVGS or PSI_POLL, and by PSI_*.</summary>
    [Field] public partial KernelArray<ulong> Total { get; }

    /// <summary>Percent in fixed point by PSI_*, over 10, 60 and 300 seconds each.</summary>
    [Field] public partial KernelArray<ulong> Avg { get; }
}

/// <summary>Where a cgroup keeps its pressure: a structure of its own since 5f69a6577bc3, v6.0.</summary>
[KernelStruct("cgroup")]
public readonly partial record struct CgroupPsi
{
    [Embedded("psi", Optional = true)] public partial PsiGroup? InPlace { get; }

    [Field("psi", Optional = true)] public partial Ptr<PsiGroup>? Elsewhere { get; }
}
