using System.Text;
using Watari.GrainInterfaces.Model;
using Watari.Introspection.Accounting;
using Watari.Introspection.Containers;
using Watari.Introspection.Kernel;
using Watari.Introspection.Mm;
using Watari.Introspection.Tasks;
using Watari.Silo.Engine.Vms;

namespace Watari.Silo.Engine;

/// <summary>What is told of a VM's running containers, read from its memory while it runs.</summary>
internal static class Containers
{
    private const int MaxCommandBytes = 512;

    /// <summary>The container of that id; a prefix of the id will do where it is the only one.</summary>
    /// <exception cref="EngineException">There is none, or there are several.</exception>
    public static GuestContainer Find(GuestVm vm, string id)
    {
        IReadOnlyList<GuestContainer> all = LiveView.Look(vm.Kernel(), static look => look.FindContainers());
        if (all.FirstOrDefault(container => container.Id == id) is { } exact) return exact;
        GuestContainer[] matches = [.. all.Where(container => id.Length >= 3 && container.Id.StartsWith(id, StringComparison.Ordinal))];
        string known = all.Count == 0 ? "it runs none" : $"it runs {string.Join(", ", all.Select(container => container.Id))}";
        return matches.Length switch
        {
            1 => matches[0],
            0 => throw new EngineException(FailureKind.NotFound, $"No container '{id}' runs in VM '{vm.Name}'; {known}."),
            _ => throw new EngineException(FailureKind.Ambiguous, $"Several containers of VM '{vm.Name}' begin with '{id}': {string.Join(", ", matches.Select(container => container.Id))}."),
        };
    }

    /// <exception cref="TornViewException">Each look at the running guest led astray.</exception>
    public static ContainerDescription Describe(GuestContainer container, VmId vm) =>
        LiveView.Look(container.Init.Kernel, look => DescribeOnce(container.In(look), vm));

    private static ContainerDescription DescribeOnce(GuestContainer container, VmId vm)
    {
        int processes = 0;
        int threads = 0;
        long resident = 0;
        foreach (TaskStruct process in container.Processes())
        {
            processes++;
            threads += process.Signal.Value.NrThreads;
            if (process.Mm.TryGet(out MmStruct mm)) resident += MmUsage.Of(mm).Resident.Bytes;
        }

        return new ContainerDescription(
            container.Id,
            container.Id,
            vm,
            container.Init.Frozen ? ContainerStatus.Paused : ContainerStatus.Running,
            container.Runtime.ToString().ToLowerInvariant(),
            container.LegacyCgroupPath ?? container.CgroupPath,
            container.Init.Pid,
            processes,
            threads,
            resident,
            CommandOf(container.Init));
    }

    /// <summary>The command line as the process keeps it, its words parted by spaces; control characters are shown as '?'.</summary>
    internal static string CommandOf(TaskStruct process)
    {
        if (!process.Mm.TryGet(out MmStruct mm) || mm.ArgEnd <= mm.ArgStart) return $"[{process.Comm}]";
        byte[] bytes = new byte[Math.Min(mm.ArgEnd - mm.ArgStart, MaxCommandBytes)];
        int read = mm.AddressSpace.ReadUpTo(mm.ArgStart, bytes);
        string text = Encoding.UTF8.GetString(bytes.AsSpan(0, read)).TrimEnd('\0').Replace('\0', ' ');
        return string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
    }
}
