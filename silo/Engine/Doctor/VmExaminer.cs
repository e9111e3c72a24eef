using System.Collections.Immutable;
using System.Globalization;
using Watari.GrainInterfaces.Model;
using Watari.Hypervisor;
using Watari.Introspection;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Time;
using Watari.Silo.Engine.Inventory;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine.Doctor;

/// <summary>Looks whether a VM is fit for Watari, from its monitor inwards. The first look that fails ends those that need what it looked for.</summary>
internal sealed class VmExaminer(GuestVm vm, LookGate gate)
{
    private const ulong LinkedAt = 0xffff_ffff_8100_0000; // __START_KERNEL with the usual CONFIG_PHYSICAL_START
    private const string StartAgain = "start the VM again";
    private const string NewKernel = "boot the guest with a distribution's kernel, or build its kernel with CONFIG_KALLSYMS_ALL=y and CONFIG_DEBUG_INFO_BTF=y";

    /// <summary>What needs a kernel, in the order of the report.</summary>
    private static readonly string[] s_ofKernel = ["address space", "kallsyms", "type information", .. KernelCapability.All.Select(capability => capability.Subject), "cgroups", "clock", "containers", "freeze"];

    public async Task<ImmutableArray<VmCheck>> ExamineAsync(CancellationToken cancellationToken)
    {
        VmStatus status = await vm.StatusAsync(cancellationToken);
        string? agent = status == VmStatus.Running ? await vm.AgentVersionAsync(cancellationToken) : null;
        MachineDescription machine = await vm.MachineAsync(cancellationToken);
        IEnumerable<VmCheck> inside = await gate.RunAsync(vm.Name, () => OfKernel(machine, status, agent).ToArray(), cancellationToken);
        return [Monitor(machine, status), Memory(), .. inside, Agent(status, agent)];
    }

    /// <summary>The report on a VM that cannot be attached to.</summary>
    public static ImmutableArray<VmCheck> Unattached(EngineException failure) =>
    [
        new VmCheck("monitor", CheckLevel.Problem, failure.Message, "start the VM with a QMP socket that nobody else uses, and with shared memory"),
        .. NotLookedAt(["memory", "kernel", .. s_ofKernel, "agent"]),
    ];

    private VmCheck Monitor(MachineDescription machine, VmStatus status)
    {
        string what = string.Create(CultureInfo.InvariantCulture, $"QEMU {machine.QemuVersion} ({machine.MachineType}, {Word(machine.Accelerator)}), {machine.VcpuCount} vCPU, {Word(status)}");
        return status switch
        {
            VmStatus.Running => new VmCheck("monitor", CheckLevel.Ok, what),
            VmStatus.Paused => new VmCheck("monitor", CheckLevel.Warning, what, "let the VM go on (cont at its monitor): nothing is moved out of or into one that stands still"),
            VmStatus.Panicked => new VmCheck("monitor", CheckLevel.Problem, what, $"'watari dmesg {vm.Name}' shows what the kernel said last; reset the VM"),
            _ => new VmCheck("monitor", CheckLevel.Problem, what, StartAgain),
        };
    }

    private VmCheck Memory()
    {
        GuestRam ram = vm.Machine.Ram;
        string what = string.Create(CultureInfo.InvariantCulture, $"{ram.Length >> 20} MiB in {ram.Regions.Count} {(ram.Regions.Count == 1 ? "stretch" : "stretches")}, by {HostEngine.NameOf(ram.Access)}");
        return ram.Access == RamAccess.ProcessMemory
            ? new VmCheck("memory", CheckLevel.Warning, what, "for the fastest way start the VM with RAM that is shared: -object memory-backend-memfd,id=ram,size=SIZE,share=on -machine ...,memory-backend=ram")
            : new VmCheck("memory", CheckLevel.Ok, what);
    }

    private static VmCheck Agent(VmStatus status, string? version) => (status, version) switch
    {
        (_, { } answers) => new VmCheck("agent", CheckLevel.Ok, $"version {answers} answers"),
        (VmStatus.Running, _) => new VmCheck(
            "agent", CheckLevel.Warning, "none answers: containers can be moved out of this VM, not into it", "start watari-agent in the guest, on the virtio-serial port org.watari.agent.0"),
        _ => new VmCheck("agent", CheckLevel.NotLookedAt, "not looked at: the VM does not run"),
    };

    /// <summary>All that is looked at in memory. Blocks: for the engine's threads.</summary>
    private IEnumerable<VmCheck> OfKernel(MachineDescription machine, VmStatus status, string? agent)
    {
        GuestKernel kernel;
        try
        {
            kernel = vm.KernelLeft();
        }
        catch (EngineException e)
        {
            return [Missing(e), .. NotLookedAt(s_ofKernel)];
        }

        return
        [
            new VmCheck("kernel", CheckLevel.Ok, $"Linux {kernel.Release}{(kernel.CoreInfo.BuildId is { } id ? $", build id {id}" : "")}"),
            Look("address space", kernel, seen => AddressSpace(seen, machine)),
            Look("kallsyms", kernel, Symbols),
            new VmCheck("type information", CheckLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"{kernel.Types.Count} types (BTF)")),
            .. KernelCapability.Check(kernel),
            Look("cgroups", kernel, Cgroups),
            Look("clock", kernel, Clock),
            Look("containers", kernel, Containing),
            status == VmStatus.Running ? Freeze(agent) : new VmCheck("freeze", CheckLevel.NotLookedAt, "not looked at: the VM does not run"),
        ];
    }

    /// <summary>Why there is no kernel to be read. What was found and is of no use is behind the failure; behind it is nothing where nothing was found.</summary>
    private static VmCheck Missing(EngineException failure) => failure.InnerException switch
    {
        (GuestRamLostException or { InnerException: GuestRamLostException }) and { } lost => new VmCheck("kernel", CheckLevel.Problem, lost.Message, StartAgain),
        { InnerException: { } useless } => new VmCheck("kernel", CheckLevel.Problem, useless.Message, NewKernel),
        var none => new VmCheck(
            "kernel", CheckLevel.Problem, none?.Message ?? failure.Message,
            "wait until the guest has booted; if it has, boot it with a Linux kernel for x86-64 that is built with CONFIG_VMCORE_INFO (CONFIG_CRASH_CORE)"),
    };

    private static VmCheck AddressSpace(GuestKernel kernel, MachineDescription machine)
    {
        int online = 0;
        for (int cpu = 0; cpu < kernel.PerCpu.PossibleCpus; cpu++) online += kernel.PerCpu.IsOnline(cpu) ? 1 : 0;
        string kaslr = kernel.Symbols.TryFind("_text"u8, out GuestVirtualAddress text) ? $"KASLR offset 0x{text.Value - LinkedAt:x}" : "KASLR offset not known";
        return new VmCheck("address space", CheckLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"{kernel.Paging.Levels}-level page tables, {kaslr}, {online} of {machine.VcpuCount} vCPU online"));
    }

    private static VmCheck Symbols(GuestKernel kernel) => kernel.Symbols.TryFind("init_task"u8, out _)
        ? new VmCheck("kallsyms", CheckLevel.Ok, string.Create(CultureInfo.InvariantCulture, $"{kernel.Symbols.Count} symbols, variables among them"))
        : new VmCheck("kallsyms", CheckLevel.Problem, "variables have no names: the kernel is built without CONFIG_KALLSYMS_ALL", NewKernel);

    private static VmCheck Cgroups(GuestKernel kernel) => kernel.CgroupVersion switch
    {
        CgroupVersion.V2 => new VmCheck("cgroups", CheckLevel.Ok, "version 2 alone"),
        CgroupVersion.Hybrid => new VmCheck(
            "cgroups", CheckLevel.Problem, "version 1 beside version 2 (hybrid): containers of version 1 are listed, and not moved", "boot the guest with systemd.unified_cgroup_hierarchy=1"),
        _ => new VmCheck("cgroups", CheckLevel.Problem, "version 1 alone: containers are listed, and not moved", "boot the guest with systemd.unified_cgroup_hierarchy=1"),
    };

    private static VmCheck Clock(GuestKernel kernel)
    {
        const long NanosecondsPerSecond = 1_000_000_000;
        GuestClocks clocks = GuestClocks.Read(kernel);
        return new VmCheck("clock", CheckLevel.Ok, string.Create(
            CultureInfo.InvariantCulture,
            $"{DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(clocks.Realtime / NanosecondsPerSecond, 0, uint.MaxValue)):yyyy-MM-dd HH:mm:ss} UTC, up for {clocks.Boottime / NanosecondsPerSecond} s"));
    }

    private static VmCheck Containing(GuestKernel kernel)
    {
        IReadOnlyList<GuestContainer> containers = kernel.FindContainers();
        return new VmCheck("containers", CheckLevel.Ok, containers.Count == 0 ? "none runs" : $"{containers.Count} run: {string.Join(", ", containers.Select(container => container.Id))}");
    }

    private VmCheck Freeze(string? agent)
    {
        try
        {
            vm.Freezer();
            return new VmCheck("freeze", CheckLevel.Ok, "from outside");
        }
        catch (EngineException e)
        {
            string why = e.InnerException?.Message ?? e.Message;
            return agent is null
                ? new VmCheck("freeze", CheckLevel.Problem, why, "start watari-agent in the guest, and migrate with --freezer agent")
                : new VmCheck("freeze", CheckLevel.Warning, why, "migrate with --freezer agent");
        }
    }

    private static VmCheck Look(string subject, GuestKernel kernel, Func<GuestKernel, VmCheck> look)
    {
        try
        {
            return LiveView.Look(kernel, look);
        }
        catch (IntrospectionException e)
        {
            return new VmCheck(subject, CheckLevel.Problem, e.Message, e switch
            {
                TornViewException => "look again; if it stays so, the guest's memory is damaged: reset the VM",
                GuestRamLostException => StartAgain,
                _ => NewKernel,
            });
        }
    }

    private static IEnumerable<VmCheck> NotLookedAt(IEnumerable<string> subjects) => subjects.Select(subject => new VmCheck(subject, CheckLevel.NotLookedAt, "not looked at"));

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
