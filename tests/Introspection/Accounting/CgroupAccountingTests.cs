using Watari.Introspection.Accounting;
using Watari.Introspection.Cgroups;
using Watari.Introspection.Tests.Build;

namespace Watari.Introspection.Tests.Accounting;

/// <summary>A hierarchy on a guest of two processors: the root, "pods" below it, and below that "web" and one that was removed.</summary>
public sealed class CgroupAccountingTests : IDisposable
{
    private const uint Online = 2;
    private const int CssSize = 80, CgroupSize = 256;
    private const ulong Sibling = 16, Children = 32, CssFlags = 48, Parent = 56; // of a css, at a cgroup's beginning
    private const ulong Level = 80, Flags = 88, Populated = 96, Rstat = 112, Bstat = 120, LastBstat = 144, Prev = 168;

    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _root, _pods, _web, _removed, _processors;

    public CgroupAccountingTests() : this("rstat_cpu", "cgroup_rstat_cpu")
    {
    }

    private CgroupAccountingTests(string member, string structure)
    {
        BtfTypes(member, structure);
        _root = _builder.AllocateGlobal("cgrp_dfl_root", CgroupSize + 16) + 16;
        _pods = _builder.Allocate(CgroupSize);
        _web = _builder.Allocate(CgroupSize);
        _removed = _builder.Allocate(CgroupSize);
        Put(_root, null, 0, Online);
        Put(_pods, _root, 1, Online);
        Put(_web, _pods, 2, Online);
        Put(_removed, _pods, 2, 0);
        _builder.LinkList(_root + Children, _pods + Sibling).LinkList(_pods + Children, _web + Sibling, _removed + Sibling);
        foreach (GuestVirtualAddress leaf in (GuestVirtualAddress[])[_web, _removed]) _builder.LinkList(leaf + Children);
        _processors = _builder.AllocateGlobal("nr_cpu_ids", 4);
        _builder.Put(_processors, 2);
        GuestVirtualAddress offsets = _builder.AllocateGlobal("__per_cpu_offset", 16);
        _builder.Put(offsets, 0UL).Put(offsets + 8, 48UL);
    }

    public void Dispose() => _builder.Dispose();

    [Theory]
    [InlineData("rstat_cpu", "cgroup_rstat_cpu")]
    [InlineData("rstat_base_cpu", "cgroup_rstat_base_cpu")]
    public void Usage_is_what_was_carried_up_and_what_was_not_yet(string member, string structure)
    {
        using var test = new CgroupAccountingTests(member, structure);
        test.Stat(test._pods + Bstat, 1000, 600, 400);
        test.Stat(test._pods + LastBstat, 900, 0, 0); // passed on to the root, which does not matter here
        test.Stat(test._web + Bstat, 500, 300, 200);
        test.Stat(test._web + LastBstat, 450, 280, 170); // 50, 20, 30 are still to be passed on
        test.Stat(test._removed + Bstat, 70, 0, 70);
        test.Stat(test._removed + LastBstat, 60, 0, 60); // 10, 0, 10
        test.Noted(test._pods, 0, (5, 5, 0), (3, 3, 0)); // 2, 2, 0
        test.Noted(test._web, 0, (500, 300, 200), (480, 290, 190)); // 20, 10, 10
        test.Noted(test._web, 1, (7, 0, 7), (0, 0, 0)); // 7, 0, 7
        test.Noted(test._removed, 1, (9, 4, 5), (8, 4, 4)); // 1, 0, 1
        GuestKernel kernel = test._builder.Boot().Attach();

        // Total 1090, of user 632 and system 458: they make up the total, so nothing is scaled.
        Assert.Equal(new CpuUsage(1090, 632, 458), kernel.At<CgroupNode>(test._pods).CpuUsage);
        Assert.Equal(new CpuUsage(527, 310, 217), kernel.At<CgroupNode>(test._web).CpuUsage);
        Assert.Null(kernel.At<CgroupNode>(test._root).CpuUsage);
    }

    [Theory]
    [InlineData(1000, 100, 300, 0, 0, 250, 750)] // as user and system were counted
    [InlineData(1000, 0, 300, 0, 0, 0, 1000)]
    [InlineData(1000, 300, 0, 0, 0, 1000, 0)]
    [InlineData(1000, 0, 0, 0, 0, 1000, 0)]
    [InlineData(1000, 100, 300, 400, 100, 400, 600)] // user must not fall
    [InlineData(1000, 300, 100, 100, 300, 700, 300)] // system must not fall
    [InlineData(1000, 100, 300, 600, 500, 600, 500)] // more was shown already
    [InlineData(ulong.MaxValue, 1, 1, 0, 0, (ulong.MaxValue / 2) + 1, ulong.MaxValue / 2)]
    public void User_and_system_share_the_total_and_never_fall(ulong total, ulong user, ulong system, ulong shownUser, ulong shownSystem, ulong toUser, ulong toSystem) =>
        Assert.Equal(new CpuUsage(total, toUser, toSystem), new CpuUsage(total, user, system).Adjusted(shownUser, shownSystem));

    [Fact]
    public void The_hierarchy_is_walked_parents_first_without_what_was_removed()
    {
        _builder.Put(_web + Flags, 1UL << 3).Put(_pods + Populated + 4, 1);
        GuestKernel kernel = _builder.Boot().Attach();

        List<CgroupNode> shown = [], all = [];
        foreach (CgroupNode cgroup in kernel.Cgroups) shown.Add(cgroup);
        foreach (CgroupNode cgroup in kernel.At<CgroupNode>(_pods).AllDescendants) all.Add(cgroup);

        Assert.Equal([_root, _pods, _web], shown.Select(c => c.Address));
        Assert.Equal([_pods, _web, _removed], all.Select(c => c.Address));
        Assert.Equal([false, true, false], shown.Select(c => c.IsPopulated));
        Assert.Equal([false, false, true], shown.Select(c => c.IsFrozen));
    }

    [Fact]
    public void A_hierarchy_without_an_end_is_an_error()
    {
        _builder.Put(_web + Children, _web + Sibling); // its own child
        GuestKernel kernel = _builder.Boot().Attach(IntrospectionLimits.Default with { Entries = 100 });

        Assert.Equal("cgroup_subsys_state.children", Assert.Throws<KernelWalkException>(() => Count(kernel.Cgroups)).Path);
    }

    [Fact]
    public void A_walk_through_the_hierarchy_costs_steps_of_the_look()
    {
        GuestKernel look = _builder.Boot().Attach(IntrospectionLimits.Default with { LookSteps = 3 }).BeginLook();

        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => Count(look.Cgroups)).Path);
    }

    [Fact]
    public void Usage_costs_a_step_of_the_look_for_each_processor_of_each_cgroup()
    {
        GuestKernel kernel = _builder.Boot().Attach(IntrospectionLimits.Default with { LookSteps = 100 });
        Assert.NotNull(kernel.BeginLook().At<CgroupNode>(_pods).CpuUsage);
        _builder.Put(_processors, 1000);

        Assert.Equal("look", Assert.Throws<KernelWalkException>(() => kernel.BeginLook().At<CgroupNode>(_pods).CpuUsage).Path);
    }

    [Fact]
    public void Reading_usage_allocates_nothing()
    {
        GuestKernel kernel = _builder.Boot().Attach();
        CgroupNode pods = kernel.At<CgroupNode>(_pods);
        _ = pods.CpuUsage;

        long before = GC.GetAllocatedBytesForCurrentThread();
        _ = pods.CpuUsage;

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static int Count(CgroupNodes cgroups)
    {
        int count = 0;
        foreach (CgroupNode _ in cgroups) count++;
        return count;
    }

    private void BtfTypes(string member, string structure)
    {
        BtfBuilder types = _builder.Types;
        int cputime = types.Struct("task_cputime", 24, BtfField.At(0, "stime", _builder.Ulong), BtfField.At(8, "utime", _builder.Ulong), BtfField.At(16, "sum_exec_runtime", _builder.Ulong));
        int bstat = types.Struct("cgroup_base_stat", 24, BtfField.At(0, "cputime", cputime));
        types.Struct(structure, 48, BtfField.At(0, "bstat", bstat), BtfField.At(24, "last_bstat", bstat));
        int css = types.Struct("cgroup_subsys_state", CssSize, BtfField.At(0, "cgroup", _builder.VoidPointer), BtfField.At((int)Sibling, "sibling", _builder.ListHead),
            BtfField.At((int)Children, "children", _builder.ListHead), BtfField.At((int)CssFlags, "flags", _builder.Uint), BtfField.At((int)Parent, "parent", _builder.VoidPointer));
        int prev = types.Struct("prev_cputime", 16, BtfField.At(0, "utime", _builder.Ulong), BtfField.At(8, "stime", _builder.Ulong));
        int cgroup = types.Struct("cgroup", CgroupSize, BtfField.At(0, "self", css), BtfField.At((int)Level, "level", _builder.Int), BtfField.At((int)Flags, "flags", _builder.Ulong),
            BtfField.At((int)Populated, "nr_populated_csets", _builder.Int), BtfField.At((int)Populated + 4, "nr_populated_domain_children", _builder.Int),
            BtfField.At((int)Populated + 8, "nr_populated_threaded_children", _builder.Int), BtfField.At((int)Rstat, member, _builder.VoidPointer),
            BtfField.At((int)Bstat, "bstat", bstat), BtfField.At((int)LastBstat, "last_bstat", bstat), BtfField.At((int)Prev, "prev_cputime", prev));
        types.Struct("cgroup_root", CgroupSize + 16, BtfField.At(16, "cgrp", cgroup));
    }

    private void Put(GuestVirtualAddress cgroup, GuestVirtualAddress? parent, int level, uint flags)
    {
        // Per-cpu memory of a cgroup: two structures of 48 bytes.
        _builder.Put(cgroup, cgroup).Put(cgroup + CssFlags, flags).Put(cgroup + Parent, parent ?? GuestVirtualAddress.Null).Put(cgroup + Level, level).Put(cgroup + Rstat, _builder.Allocate(96));
    }

    private void Noted(GuestVirtualAddress cgroup, int cpu, (ulong Total, ulong User, ulong System) now, (ulong Total, ulong User, ulong System) carried)
    {
        var memory = new GuestVirtualAddress(_builder.Guest.Memory.Read<ulong>(GuestKernelBuilder.PhysicalOf(cgroup + Rstat)));
        Stat(memory + (ulong)cpu * 48, now.Total, now.User, now.System);
        Stat(memory + (ulong)cpu * 48 + 24, carried.Total, carried.User, carried.System);
    }

    private void Stat(GuestVirtualAddress at, ulong total, ulong user, ulong system) => _builder.Put(at, system).Put(at + 8, user).Put(at + 16, total);
}
