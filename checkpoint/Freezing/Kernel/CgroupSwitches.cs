using Watari.Introspection.Cgroups;
using Watari.Introspection.Kernel;
using Watari.Introspection.Memory;
using Watari.Introspection.Symbols;
using Watari.Introspection.Time;
using Watari.Introspection.Types;

namespace Watari.Checkpoint.Freezing.Kernel;

/// <summary>
/// The words of a cgroup and of those below it that say whether they are frozen, as the kernel's own cgroup_freeze sets them when
/// cgroup.freeze is written (kernel/cgroup/freezer.c). Written while the guest stands still and nobody in it holds the locks that guard
/// them. The tasks are asked one by one (<see cref="TaskSwitches"/>); as they enter and leave the freezer the kernel itself keeps the
/// count and tells cgroup.events.
/// </summary>
internal sealed class CgroupSwitches
{
    // include/linux/cgroup-defs.h, since 76f969e8948d, v5.2.
    private const ulong Freeze = 1UL << 2; // CGRP_FREEZE
    private const ulong Frozen = 1UL << 3; // CGRP_FROZEN

    // The low bits of mutex.owner say who waits (kernel/locking/mutex.c).
    private const ulong MutexFlags = 7;

    private readonly GuestVirtualAddress _cgroupMutex;
    private readonly GuestVirtualAddress _cssSetLock;
    private readonly ulong _flags;
    private readonly ulong _freeze;
    private readonly ulong _effective;
    private readonly bool _effectiveIsCount;
    private readonly ulong _frozenDescendants;
    private readonly (ulong Sequence, ulong Start, ulong Total)? _time;

    private CgroupSwitches(GuestKernel kernel)
    {
        BtfTypes types = kernel.Types;
        _cgroupMutex = kernel.Symbols.Find("cgroup_mutex") + (ulong)types.Member("mutex", "owner").ByteOffset;
        _cssSetLock = kernel.Symbols.Find("css_set_lock");
        _flags = Offset("flags");
        _freeze = Offset("freezer.freeze");
        _frozenDescendants = Offset("freezer.nr_frozen_descendants");
        // A count of those above it that are frozen, itself among them; since it is one byte, whether there are any.
        BtfMember effective = types.Member("cgroup", "freezer.e_freeze");
        _effective = (ulong)effective.ByteOffset;
        _effectiveIsCount = types.SizeOf(effective.Type) == sizeof(int);
        // Where the kernel keeps how long a cgroup was frozen (cgroup.stat.local).
        if (types.TryGetMember(types.Find("cgroup"), "freezer.frozen_nsec", out BtfMember total))
            _time = (Offset("freezer.freeze_seq.seqcount.sequence"), Offset("freezer.freeze_start_nsec"), (ulong)total.ByteOffset);

        ulong Offset(string member) => (ulong)types.Member("cgroup", member).ByteOffset;
    }

    /// <exception cref="FreezeException">This kernel's cgroups cannot be frozen from outside.</exception>
    public static CgroupSwitches Require(GuestKernel kernel)
    {
        try
        {
            return new CgroupSwitches(kernel);
        }
        catch (Exception lacking) when (lacking is KernelTypeException or KernelSymbolException)
        {
            throw new FreezeException(FreezeFailure.Unsupported,
                $"Cgroups of Linux {kernel.Release} cannot be frozen and thawed from outside: {lacking.Message}. Have the agent in the guest do it. Nothing was touched.", lacking);
        }
    }

    /// <summary>Whether nobody in the guest is in the middle of a change of cgroups.</summary>
    public bool AreFree(GuestKernel kernel) =>
        (kernel.AddressSpace.Read<ulong>(_cgroupMutex) & ~MutexFlags) == 0 && kernel.AddressSpace.Read<uint>(_cssSetLock) == 0;

    /// <summary>Whether 1 was written to its cgroup.freeze.</summary>
    public bool IsSet(CgroupNode cgroup) => cgroup.Kernel.AddressSpace.Read<byte>(cgroup.Address + _freeze) != 0;

    /// <summary>Whether it is to be frozen, by its own will or that of one above it.</summary>
    public bool IsHeld(CgroupNode cgroup) => Effective(cgroup) != 0;

    /// <summary>As if 1 or 0 were written to its cgroup.freeze; its tasks are to be asked after it. Does nothing where it is so already.</summary>
    public void Set(KernelWriter kernel, CgroupNode top, bool freeze)
    {
        if (IsSet(top) == freeze) return;
        // All is read that a damaged guest could make unreadable, before the first word is written.
        long now = GuestClocks.Read(kernel.Kernel).Monotonic;
        List<CgroupNode> cgroups = [];
        foreach (CgroupNode cgroup in top.AllDescendants)
        {
            if (cgroup.IsOnline) cgroups.Add(cgroup);
        }

        kernel.Write(top.Address + _freeze, freeze ? (byte)1 : (byte)0);
        foreach (CgroupNode cgroup in cgroups)
        {
            if (!Change(kernel, cgroup, freeze)) continue;
            SetFlag(kernel, cgroup, Freeze, freeze);
            KeepTime(kernel, cgroup, freeze, now);
            // No task of it will ever tell the kernel to look.
            if (!cgroup.IsPopulated && cgroup.IsFrozen != freeze) SetFrozen(kernel, cgroup, freeze);
        }
    }

    /// <returns>Whether it is held now and was not, or the other way round.</returns>
    private bool Change(KernelWriter kernel, CgroupNode cgroup, bool freeze)
    {
        int before = Effective(cgroup);
        int after = _effectiveIsCount ? before + (freeze ? 1 : -1) : IsSet(cgroup) || ParentOf(cgroup) is { } parent && IsHeld(parent) ? 1 : 0;
        if (_effectiveIsCount) kernel.Write(cgroup.Address + _effective, after);
        else kernel.Write(cgroup.Address + _effective, (byte)after);
        return before == 0 != (after == 0);
    }

    private void KeepTime(KernelWriter kernel, CgroupNode cgroup, bool freeze, long now)
    {
        if (_time is not var (sequence, start, total)) return;
        GuestVirtualAddress address = cgroup.Address;
        if (freeze) kernel.Write(address + start, now);
        else kernel.Write(address + total, Read<long>(cgroup, total) + now - Read<long>(cgroup, start));
        kernel.Write(address + sequence, Read<uint>(cgroup, sequence) + 2);
    }

    /// <summary>cgroup_update_frozen, for a cgroup that nothing runs in or below.</summary>
    private void SetFrozen(KernelWriter kernel, CgroupNode cgroup, bool frozen)
    {
        SetFlag(kernel, cgroup, Frozen, frozen);
        int depth = 0;
        for (CgroupNode? above = ParentOf(cgroup); above is { } ancestor; above = ParentOf(ancestor))
        {
            if (++depth > kernel.Kernel.Limits.Depth) throw new KernelWalkException("cgroup.self", "the chain of parents does not end");
            kernel.Write(ancestor.Address + _frozenDescendants, Read<int>(ancestor, _frozenDescendants) + (frozen ? 1 : -1));
        }
    }

    private void SetFlag(KernelWriter kernel, CgroupNode cgroup, ulong flag, bool set)
    {
        if (set) kernel.SetBits(cgroup.Address + _flags, flag);
        else kernel.ClearBits(cgroup.Address + _flags, flag);
    }

    private int Effective(CgroupNode cgroup) => _effectiveIsCount ? Read<int>(cgroup, _effective) : Read<byte>(cgroup, _effective);

    private static CgroupNode? ParentOf(CgroupNode cgroup) => cgroup.Self.Parent.TryGet(out CgroupState parent) ? parent.Cgroup.Value : null;

    private static T Read<T>(CgroupNode cgroup, ulong offset) where T : unmanaged => cgroup.Kernel.AddressSpace.Read<T>(cgroup.Address + offset);
}
