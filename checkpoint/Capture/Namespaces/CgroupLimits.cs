using System.Collections.Immutable;
using System.Globalization;
using Watari.Checkpoint.Model;
using Watari.Introspection.Cgroups;

namespace Watari.Checkpoint.Capture.Namespaces;

/// <summary>The files of a cgroup that are worth carrying: what CRIU itself carries, and each limit that is set.</summary>
internal static class CgroupLimits
{
    private const ulong PageSize = 4096;

    /// <summary>What CRIU writes of every cgroup of version 2. The freezer is left open: who restores decides when the container runs.</summary>
    public static ImmutableArray<CgroupProperty> Defaults { get; } =
    [
        new("cgroup.subtree_control", ""),
        new("cgroup.max.descendants", "max"),
        new("cgroup.max.depth", "max"),
        new("cgroup.freeze", "0"),
        new("cgroup.type", "domain"),
    ];

    public static ImmutableArray<CgroupProperty> Of(Cgroup cgroup)
    {
        var properties = Defaults.ToBuilder();
        if (cgroup.Memory is { } memory)
        {
            AddPages("memory.max", memory.Max);
            AddPages("memory.high", memory.High);
            AddPages("memory.swap.max", memory.SwapMax);
            if (memory.Low != 0)
                AddPages("memory.low", memory.Low);
            if (memory.Min != 0)
                AddPages("memory.min", memory.Min);
        }
        if (cgroup.Pids is { } pids && pids.Limit < PidsCgroup.Unlimited)
            Add("pids.max", pids.Limit.ToString(CultureInfo.InvariantCulture));
        if (cgroup.Cpu is { } cpu)
        {
            if (cpu.Quota >= 0)
                Add("cpu.max", string.Create(CultureInfo.InvariantCulture, $"{cpu.Quota / 1000} {cpu.Period / 1000}"));
            if (cpu.Weight is { } weight and not CpuCgroup.DefaultWeight)
                Add("cpu.weight", weight.ToString(CultureInfo.InvariantCulture));
        }
        return properties.ToImmutable();

        void Add(string name, string value) => properties.Add(new CgroupProperty(name, value));

        void AddPages(string name, ulong pages)
        {
            if (pages < MemoryCgroup.Unlimited)
                Add(name, (pages * PageSize).ToString(CultureInfo.InvariantCulture));
        }
    }
}
