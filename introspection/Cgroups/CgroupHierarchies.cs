using Watari.Introspection.Tasks;
using Watari.Introspection.Walks;

namespace Watari.Introspection.Cgroups;

/// <summary>Which version of cgroups a guest uses (cgroups(7)).</summary>
public enum CgroupVersion
{
    /// <summary>The one hierarchy of version 2 holds all controllers.</summary>
    V2,

    /// <summary>Version 2 is mounted, and hierarchies of version 1 beside it: the controllers are, as a rule, in those.</summary>
    Hybrid,

    /// <summary>Hierarchies of version 1 alone.</summary>
    V1,
}

/// <summary>The hierarchies of cgroups.</summary>
public static class CgroupHierarchies
{
    extension(GuestKernel kernel)
    {
        /// <summary>Which version is in use: told by the hierarchies that are mounted, or still hold something.</summary>
        public CgroupVersion CgroupVersion
        {
            get
            {
                GuestVirtualAddress unified = kernel.Symbols.Find("cgrp_dfl_root");
                bool legacy = false;
                foreach (CgroupRoot root in kernel.CgroupRoots) legacy |= root.Address != unified;
                if (!legacy) return CgroupVersion.V2;
                // Set when version 2 is mounted for the first time.
                return kernel.AddressSpace.Read<byte>(kernel.Symbols.Find("cgrp_dfl_visible")) != 0 ? CgroupVersion.Hybrid : CgroupVersion.V1;
            }
        }

        /// <summary>All hierarchies, that of version 2 among them.</summary>
        public ListEntries<CgroupRoot> CgroupRoots => kernel.Global<ListHead>("cgroup_roots").Entries<CgroupRoot>(static root => root.RootList);
    }
}

/// <summary>A task's cgroups outside of the one hierarchy of version 2.</summary>
public static class TaskCgroups
{
    extension(TaskStruct task)
    {
        /// <summary>
        /// The task's cgroups in hierarchies of version 1, those of their roots left out: a task that no runtime has put anywhere has none.
        /// Each as a pair of the hierarchy and the path in it.
        /// </summary>
        public IEnumerable<(CgroupRoot Hierarchy, string Path)> LegacyCgroups()
        {
            GuestVirtualAddress unified = task.Kernel.Symbols.Find("cgrp_dfl_root");
            ListHead links = CssSetLinks.At(task.Kernel, task.Cgroups.Address).CgrpLinks;
            foreach (CgroupLink link in links.Entries<CgroupLink>(static link => link.Node))
            {
                CgroupNode cgroup = link.Cgrp.Value;
                if (cgroup.Level > 0 && cgroup.Root.Address != unified) yield return (cgroup.Root.Value, cgroup.Cgroup.Path);
            }
        }
    }
}

/// <summary>A hierarchy (include/linux/cgroup-defs.h).</summary>
[KernelStruct("cgroup_root")]
public readonly partial record struct CgroupRoot
{
    [Embedded] public partial CgroupNode Cgrp { get; }

    [Embedded] public partial ListHead RootList { get; }

    /// <summary>Of one without controllers: "systemd" where it was mounted with name=systemd.</summary>
    [Field] public partial KernelText Name { get; }

    /// <summary>Its controllers, as bits by cgroup_subsys_id.</summary>
    [BitField] public partial uint SubsysMask { get; }
}

[KernelStruct("css_set")]
public readonly partial record struct CssSetLinks
{
    [Embedded] public partial ListHead CgrpLinks { get; }
}

/// <summary>Ties a set of tasks to a cgroup of each hierarchy (kernel/cgroup/cgroup-internal.h).</summary>
[KernelStruct("cgrp_cset_link")]
public readonly partial record struct CgroupLink
{
    [Field] public partial Ptr<CgroupNode> Cgrp { get; }

    [Embedded("cgrp_link")] public partial ListHead Node { get; }
}
