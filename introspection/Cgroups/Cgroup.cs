namespace Watari.Introspection.Cgroups;

/// <summary>The cgroups of a task, one in each hierarchy (include/linux/cgroup-defs.h).</summary>
[KernelStruct("css_set")]
public readonly partial record struct CssSet
{
    /// <summary>The one of version 2.</summary>
    [Field] public partial Ptr<Cgroup> DflCgrp { get; }
}

/// <summary>A control group (include/linux/cgroup-defs.h).</summary>
[KernelStruct("cgroup")]
public readonly partial record struct Cgroup
{
    [Field] public partial Ptr<KernfsNode> Kn { get; }

    /// <summary>struct cgroup_subsys_state * by controller (enum cgroup_subsys_id).</summary>
    [Field] public partial KernelArray<ulong> Subsys { get; }

    /// <summary>The path from the hierarchy's root, as in /proc/PID/cgroup.</summary>
    public string Path => Kn.Value.Path;
}

/// <summary>A file or directory of cgroupfs or sysfs (include/linux/kernfs.h).</summary>
[KernelStruct("kernfs_node")]
public readonly partial record struct KernfsNode
{
    /// <summary>Null at the root (__parent since v6.15).</summary>
    [Field("__parent", "parent")] public partial Ptr<KernfsNode> Parent { get; }

    [Field] public partial KernelCharPointer Name { get; }

    /// <summary>Inode number below, generation above.</summary>
    [Field] public partial ulong Id { get; }

    public string Path
    {
        get
        {
            var parts = new Stack<string>();
            for (KernfsNode node = this; node.Parent.TryGet(out KernfsNode parent); node = parent)
            {
                if (parts.Count == Kernel.Limits.Depth) throw Kernel.Astray(node.Address, "kernfs_node.parent", $"the node at {Address} is nested more than {Kernel.Limits.Depth} deep");
                string name = node.Name.ToString();
                Kernel.TakeBytes(name.Length * sizeof(char));
                // Whoever takes the path apart must find the names that it was put together of.
                if (name.Length == 0 || name.Contains('/')) throw Kernel.Astray(node.Address, "kernfs_node.name", "is no name of a directory");
                parts.Push(name);
            }

            return "/" + string.Join('/', parts);
        }
    }
}
