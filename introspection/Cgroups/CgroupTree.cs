using Watari.Introspection.Walks;

namespace Watari.Introspection.Cgroups;

/// <summary>
/// The hierarchy of version 2: <c>foreach (CgroupNode cgroup in kernel.Cgroups)</c>.
/// </summary>
public static class CgroupTree
{
    extension(GuestKernel kernel)
    {
        /// <summary>Its root.</summary>
        public CgroupNode RootCgroup => kernel.Global<CgroupRoot>("cgrp_dfl_root").Cgrp;

        /// <summary>All cgroups that /sys/fs/cgroup shows, each before its children, the root first.</summary>
        public CgroupNodes Cgroups => new(kernel.RootCgroup, onlyOnline: true);
    }
}

/// <summary>A cgroup in its hierarchy (include/linux/cgroup-defs.h).</summary>
[KernelStruct("cgroup")]
public readonly partial record struct CgroupNode
{
    private const ulong FreezeFlag = 1 << 2; // CGRP_FREEZE, the same
    private const ulong FrozenFlag = 1 << 3; // CGRP_FROZEN, v5.2 to v7.2
    private const uint OnlineFlag = 1 << 1; // CSS_ONLINE

    /// <summary>Itself as its children see it.</summary>
    [Embedded] public partial CgroupState Self { get; }

    /// <summary>0 for the root.</summary>
    [Field] public partial int Level { get; }

    [Field] public partial Ptr<CgroupRoot> Root { get; }

    /// <summary>Bits by CGRP_*.</summary>
    [Field] private partial ulong Flags { get; }

    /// <summary>Sets of tasks in it, and children with tasks below them; the first a controller's since v7.0.</summary>
    [Field("nr_populated_csets", "self.nr_populated_csets")] private partial int NrPopulatedCsets { get; }

    [Field] private partial int NrPopulatedDomainChildren { get; }

    [Field] private partial int NrPopulatedThreadedChildren { get; }

    /// <summary>Its path, controllers and the like.</summary>
    public Cgroup Cgroup => Cgroup.At(Kernel, Address);

    /// <summary>Whether a task is in it or below it: "populated" of cgroup.events.</summary>
    public bool IsPopulated => NrPopulatedCsets != 0 || NrPopulatedDomainChildren != 0 || NrPopulatedThreadedChildren != 0;

    /// <summary>Whether all of its tasks are frozen: "frozen" of cgroup.events.</summary>
    public bool IsFrozen => (Flags & FrozenFlag) != 0;

    /// <summary>Whether its tasks are to be frozen, by its own cgroup.freeze or that of a cgroup above it.</summary>
    public bool IsToBeFrozen => (Flags & FreezeFlag) != 0;

    /// <summary>Not removed: rmdir leaves what is still referred to.</summary>
    public bool IsOnline => (Self.Flags & OnlineFlag) != 0;

    /// <summary>Itself and all below it, each before its children; those too that have been removed, and are still there for the sake of who refers to them.</summary>
    public CgroupNodes AllDescendants => new(this, onlyOnline: false);
}

/// <summary>What a controller, or the hierarchy itself, keeps of a cgroup (struct cgroup_subsys_state).</summary>
[KernelStruct("cgroup_subsys_state")]
public readonly partial record struct CgroupState
{
    [Field] public partial Ptr<CgroupNode> Cgroup { get; }

    [Field] public partial Ptr<CgroupState> Parent { get; }

    [Embedded] public partial ListHead Sibling { get; }

    [Embedded] public partial ListHead Children { get; }

    /// <summary>CSS_*.</summary>
    [Field] public partial uint Flags { get; }
}

/// <summary>A walk through a cgroup and all below it: css_next_descendant_pre, which needs no memory of its way.</summary>
public struct CgroupNodes
{
    private readonly CgroupState _top;
    private readonly ulong _sibling;
    private readonly bool _onlyOnline;
    private CgroupState _state;
    private int _left;
    private bool _started;

    internal CgroupNodes(CgroupNode top, bool onlyOnline)
    {
        _top = top.Self;
        _sibling = CgroupState.At(top.Kernel, default).Sibling.Address.Value;
        _onlyOnline = onlyOnline;
        _left = top.Kernel.Limits.Entries;
    }

    public readonly CgroupNode Current => _state.Cgroup.Value;

    public readonly CgroupNodes GetEnumerator() => this;

    public bool MoveNext()
    {
        while (Step())
        {
            if (!_onlyOnline || _state.Address == _top.Address || Current.IsOnline) return true;
        }

        return false;
    }

    private bool Step()
    {
        GuestKernel kernel = _top.Kernel;
        if (!_started)
        {
            _started = true;
            _state = _top;
            return true;
        }

        kernel.TakeSteps(1);
        if (--_left < 0) throw Astray($"there are more than {kernel.Limits.Entries}");
        ListHead children = _state.Children;
        if (Follow(children, children.Next)) return true;
        for (int depth = 0; _state.Address != _top.Address; depth++)
        {
            kernel.TakeSteps(1);
            if (depth > kernel.Limits.Depth) throw Astray($"they are nested more than {kernel.Limits.Depth} deep");
            if (!_state.Parent.TryGet(out CgroupState parent)) throw Astray("one has no parent");
            if (Follow(parent.Children, _state.Sibling.Next)) return true;
            _state = parent;
        }

        return false;
    }

    private bool Follow(ListHead head, GuestVirtualAddress node)
    {
        if (node == head.Address) return false;
        if (!node.IsKernel) throw Astray($"a pointer of a list of children leads to {node}");
        _state = CgroupState.At(_top.Kernel, node - _sibling);
        _top.Kernel.FollowNode<CgroupState>(head.Address, _state.Address, _sibling);
        return true;
    }

    private readonly KernelWalkException Astray(string reason) => _top.Kernel.Astray(_top.Address, "cgroup_subsys_state.children", reason);
}
