using Watari.Checkpoint.Capture.Namespaces;
using Watari.Checkpoint.Model;
using Watari.Introspection.Tasks;
using Watari.Introspection.Tests.Build;

namespace Watari.Checkpoint.Tests.Capture;

public sealed class CgroupCaptureTests : IDisposable
{
    private readonly GuestKernelBuilder _builder = new();
    private readonly GuestVirtualAddress _root;

    public CgroupCaptureTests()
    {
        BtfBuilder types = _builder.Types;
        int pointer = _builder.VoidPointer;
        types.Struct("task_struct", 16, BtfField.At(0, "cgroups", pointer), BtfField.At(8, "nsproxy", pointer));
        types.Struct("css_set", 8, BtfField.At(0, "dfl_cgrp", pointer));
        types.Struct("cgroup", 32, BtfField.At(0, "kn", pointer), BtfField.At(8, "subsys", types.Array(_builder.Ulong, 3)));
        types.Struct("kernfs_node", 16, BtfField.At(0, "parent", pointer), BtfField.At(8, "name", pointer));
        types.Struct("nsproxy", 8, BtfField.At(0, "mnt_ns", pointer));
        types.Enum("cgroup_subsys_id", ("memory_cgrp_id", 0), ("pids_cgrp_id", 1), ("cpu_cgrp_id", 2));
        _root = Node("", default);
    }

    public void Dispose() => _builder.Dispose();

    [Fact]
    public void The_root_cgroup_holds_all_others()
    {
        GuestVirtualAddress machine = Node("machine", _root), redis = Node("redis", machine);
        GuestVirtualAddress[] tasks = [Task(_root), Task(redis)];

        CgroupDirectory root = Assert.Single(Capture(tasks));

        Assert.Equal("", root.Name);
        CgroupDirectory child = Assert.Single(root.Children);
        Assert.Equal("machine", child.Name);
        Assert.Equal("redis", Assert.Single(child.Children).Name);
    }

    [Fact]
    public void Names_that_are_paths_do_not_make_a_hierarchy_without_end()
    {
        GuestVirtualAddress first = Node("a", _root), second = Node(string.Concat(Enumerable.Repeat("/b", 2000)), first);

        Assert.Throws<KernelWalkException>(() => Capture([Task(first), Task(second)]));
    }

    private CgroupDirectory[] Capture(GuestVirtualAddress[] tasks)
    {
        GuestKernel kernel = _builder.Boot().Attach();
        var capture = new CgroupCapture();
        foreach (GuestVirtualAddress task in tasks) capture.SetOf(kernel.At<TaskStruct>(task));
        return [.. Assert.Single(capture.Hierarchies()).Directories];
    }

    private GuestVirtualAddress Task(GuestVirtualAddress node)
    {
        GuestVirtualAddress task = _builder.Allocate(16), set = _builder.Allocate(8), cgroup = _builder.Allocate(32), proxy = _builder.Allocate(8);
        _builder.Put(task, set).Put(task + 8, proxy).Put(set, cgroup).Put(cgroup, node);
        return task;
    }

    private GuestVirtualAddress Node(string name, GuestVirtualAddress parent)
    {
        GuestVirtualAddress node = _builder.Allocate(16), text = _builder.Allocate(name.Length + 1);
        _builder.Put(node, parent).Put(node + 8, text).Put(text, name);
        return node;
    }
}
